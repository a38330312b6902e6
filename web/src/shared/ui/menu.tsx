"use client";

// A menu behind a button. What it takes to open one is loaded when the first button is about to be pressed.
import { cloneElement, createContext, lazy, Suspense, use, useEffect, useEffectEvent, useState, type ComponentType, type KeyboardEvent, type MouseEvent, type ReactElement, type ReactNode } from "react";
import { useSentence } from "./problem";
import { toast } from "./toast";

export interface MenuProps {
  /** One button. */
  trigger: ReactElement<object>;
  /** `MenuItem`s and `MenuLine`s. */
  children: ReactNode;
  align?: "start" | "end";
}

export interface ItemProps {
  onSelect: () => void;
  icon?: ReactNode;
  danger?: boolean;
  disabled?: boolean;
  /** The key that does the same: as it is shown, and as `aria-keyshortcuts` has it. */
  keys?: { readonly shown: string; readonly told: string } | undefined;
  children: ReactNode;
}

export interface MenuAtProps {
  /** Of the window, in pixels. */
  at: { readonly x: number; readonly y: number };
  label: string;
  /** Asked for by a key: then its first line has the focus. */
  isKeyed: boolean;
  onClose: () => void;
  /** `MenuItem`s and `MenuLine`s. */
  children: ReactNode;
}

interface MenuParts {
  Item: ComponentType<ItemProps>;
  Line: ComponentType;
}

/** How a menu was opened: by the keys its first item is the one that they act on. */
export type Opened = "pointer" | "keys";

/** A press that came from the keys has no place. */
export function openedBy({ detail }: MouseEvent): Opened {
  return detail === 0 ? "keys" : "pointer";
}

/** What the open menu draws its lines with. */
export const Parts = createContext<MenuParts | null>(null);

const load = () => import("./menu-parts");
const OpenMenu = lazy(load);
const OpenMenuAt = lazy(() => load().then(({ MenuAt }) => ({ default: MenuAt })));

// Whoever is on the way to the button finds it loaded; that it cannot be is told when the button is pressed.
const warm = () => void load().catch(() => undefined);

/** `opened`: for a menu that is only made when its button is pressed. */
export function Menu({ trigger, children, align = "end", opened }: MenuProps & { opened?: Opened }) {
  const sentence = useSentence();
  const [first, setFirst] = useState<Opened | null>(null);
  const open = (by: Opened) =>
    void load().then(
      () => setFirst(by),
      (error: unknown) => toast(sentence(error), "bad"),
    );
  const openFirst = useEffectEvent(open);
  useEffect(() => {
    if (opened !== undefined) openFirst(opened);
  }, [opened]);
  const closed = cloneElement(trigger, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onClick: (event: MouseEvent) => open(openedBy(event)),
    onPointerEnter: warm,
    onFocus: warm,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      open("keys");
    },
  } as object);
  if (first === null) return closed;
  return (
    <Suspense fallback={closed}>
      <OpenMenu trigger={trigger} align={align} opened={first}>
        {children}
      </OpenMenu>
    </Suspense>
  );
}

/** A menu at a point, open for as long as it is there. Who had the focus has it again when it is closed, unless it is elsewhere by then. */
export function MenuAt(props: MenuAtProps) {
  return (
    <Suspense>
      <OpenMenuAt {...props} />
    </Suspense>
  );
}

export function MenuItem(props: ItemProps) {
  const parts = use(Parts);
  return parts && <parts.Item {...props} />;
}

export function MenuLine() {
  const parts = use(Parts);
  return parts && <parts.Line />;
}
