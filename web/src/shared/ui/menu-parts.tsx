"use client";

// What a menu is made of when it is open. Loaded when the first one is asked for: `menu.tsx` is what screens use.
import { DropdownMenu } from "radix-ui";
import { useEffect, useRef, useState, type ReactNode, type RefObject } from "react";
import { Parts, type ItemProps, type MenuAtProps, type MenuProps, type Opened } from "./menu";

const parts = { Item, Line };
const SHEET =
  "z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 overflow-y-auto rounded-md border border-line bg-surface p-1 text-base shadow-lift";

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
          className={SHEET}
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

/** It hangs on a point, not on a button. */
export function MenuAt({ at, label, isKeyed, onClose, children }: MenuAtProps): ReactNode {
  const [before] = useState(() => document.activeElement);
  const [main] = useState(() => document.querySelector("main"));
  const content = useRef<HTMLDivElement>(null);
  const missedRef = useRef(isKeyed);
  const giveBack = (event: Event) => {
    event.preventDefault();
    if (document.activeElement === document.body && before instanceof HTMLElement) before.focus({ preventScroll: true });
  };
  return (
    <DropdownMenu.Root modal={false} open onOpenChange={(isOpen) => isOpen || onClose()}>
      <DropdownMenu.Trigger asChild>
        <button type="button" tabIndex={-1} aria-label={label} className="pointer-events-none fixed size-0" style={{ left: at.x, top: at.y }} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={main}>
        <DropdownMenu.Content
          ref={content}
          align="start"
          sideOffset={2}
          collisionPadding={8}
          onCloseAutoFocus={giveBack}
          // A finger that is lifted may give the focus to what lies below.
          onFocusOutside={(event) => event.preventDefault()}
          // The key that opened it may ask for the browser's own when it is let go.
          onContextMenu={(event) => event.preventDefault()}
          className={SHEET}
        >
          <Parts value={parts}>{children}</Parts>
          <FirstItem contentRef={content} missedRef={missedRef} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function Item({ onSelect, icon, danger = false, disabled = false, keys, children }: ItemProps) {
  return (
    <DropdownMenu.Item
      disabled={disabled}
      onSelect={onSelect}
      aria-keyshortcuts={keys?.told}
      className={`flex cursor-default items-center gap-2 rounded-sm px-2 py-1.5 outline-none select-none data-disabled:opacity-50 data-highlighted:bg-sunken ${danger ? "text-bad" : ""}`}
    >
      {icon}
      {children}
      {keys !== undefined && (
        <span aria-hidden className="ml-auto pl-6 text-xs text-soft pointer-coarse:hidden">
          {keys.shown}
        </span>
      )}
    </DropdownMenu.Item>
  );
}

function Line() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
