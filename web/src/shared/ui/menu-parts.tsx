"use client";

// What a menu is made of when it is open. Loaded when the first one is asked for: `menu.tsx` is what screens use.
import { DropdownMenu } from "radix-ui";
import { useEffect, useRef, type ReactNode, type RefObject } from "react";
import { Parts, type ItemProps, type MenuProps, type Opened } from "./menu";

const parts = { Item, Line };

/** Not modal: the library would write a style into the page, which its policy forbids. */
export default function OpenMenu({ trigger, children, align = "end", opened }: MenuProps & { opened: Opened }): ReactNode {
  const content = useRef<HTMLDivElement>(null);
  // The library watches the keys from now on, and knows of no press before.
  const missedRef = useRef(opened === "keys");
  return (
    <DropdownMenu.Root modal={false} defaultOpen>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          ref={content}
          align={align}
          sideOffset={4}
          collisionPadding={8}
          className="z-50 min-w-44 rounded-md border border-line bg-surface p-1 text-base shadow-lift"
        >
          <Parts value={parts}>{children}</Parts>
          <FirstItem contentRef={content} missedRef={missedRef} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** Goes to the first item once, before the library gives the focus to the menu. */
function FirstItem({ contentRef, missedRef }: { contentRef: RefObject<HTMLElement | null>; missedRef: RefObject<boolean> }) {
  useEffect(() => {
    if (missedRef.current) contentRef.current?.querySelector<HTMLElement>("[role=menuitem]:not([data-disabled])")?.focus({ preventScroll: true });
    missedRef.current = false;
  }, [contentRef, missedRef]);
  return null;
}

function Item({ onSelect, icon, danger = false, disabled = false, children }: ItemProps) {
  return (
    <DropdownMenu.Item
      disabled={disabled}
      onSelect={onSelect}
      className={`flex cursor-default items-center gap-2 rounded-sm px-2 py-1.5 outline-none select-none data-disabled:opacity-50 data-highlighted:bg-sunken ${danger ? "text-bad" : ""}`}
    >
      {icon}
      {children}
    </DropdownMenu.Item>
  );
}

function Line() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
