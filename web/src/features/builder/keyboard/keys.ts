// Which key does what on the canvas. The sheet of keys is made of the same list.

export type Command =
  | "add"
  | "note"
  | "connect"
  | "edges"
  | "find"
  | "inspect"
  | "rename"
  | "delete"
  | "left"
  | "right"
  | "up"
  | "down"
  | "move_left"
  | "move_right"
  | "move_up"
  | "move_down"
  | "select"
  | "select_all"
  | "clear"
  | "copy"
  | "cut"
  | "paste"
  | "duplicate"
  | "undo"
  | "redo"
  | "save"
  | "tidy"
  | "fit"
  | "zoom_in"
  | "zoom_out"
  | "run"
  | "menu"
  | "help";

/** `mod`: Ctrl, or Cmd on a Mac. */
export interface Key {
  readonly key: string;
  readonly mod?: boolean;
  /** Undefined: with it or without. */
  readonly shift?: boolean;
}

export interface Binding {
  readonly command: Command;
  readonly keys: readonly Key[];
  readonly group: "nodes" | "ways" | "edit" | "view";
  /** Where a flow cannot be changed these do nothing. */
  readonly isEdit?: boolean;
  /** Copying is the browser's own event; the key stands here for the sheet alone. */
  readonly isShownOnly?: boolean;
}

const mod = (key: string, shift?: boolean): Key => ({ key, mod: true, ...(shift !== undefined && { shift }) });

export const BINDINGS: readonly Binding[] = [
  { command: "add", keys: [{ key: "a" }, { key: "/" }], group: "nodes", isEdit: true },
  { command: "note", keys: [{ key: "n" }], group: "nodes", isEdit: true },
  { command: "connect", keys: [{ key: "c" }], group: "nodes", isEdit: true },
  { command: "inspect", keys: [{ key: "Enter" }], group: "nodes" },
  { command: "rename", keys: [{ key: "F2" }, { key: "r" }], group: "nodes", isEdit: true },
  { command: "delete", keys: [{ key: "Delete" }, { key: "Backspace" }], group: "nodes", isEdit: true },
  { command: "edges", keys: [{ key: "e" }], group: "ways" },
  { command: "find", keys: [{ key: "g" }], group: "ways" },
  ...(["left", "right", "up", "down"] as const).flatMap((way): Binding[] => {
    const key = `Arrow${way.charAt(0).toUpperCase()}${way.slice(1)}`;
    return [
      { command: way, keys: [{ key, shift: false }], group: "ways" },
      { command: `move_${way}`, keys: [{ key, shift: true }], group: "nodes", isEdit: true },
    ];
  }),
  { command: "select", keys: [{ key: " " }], group: "ways" },
  { command: "select_all", keys: [mod("a")], group: "ways" },
  { command: "clear", keys: [{ key: "Escape" }], group: "ways" },
  { command: "undo", keys: [mod("z", false)], group: "edit", isEdit: true },
  { command: "redo", keys: [mod("z", true), mod("y")], group: "edit", isEdit: true },
  { command: "copy", keys: [mod("c")], group: "edit", isShownOnly: true },
  { command: "cut", keys: [mod("x")], group: "edit", isEdit: true, isShownOnly: true },
  { command: "paste", keys: [mod("v")], group: "edit", isEdit: true, isShownOnly: true },
  { command: "duplicate", keys: [mod("d")], group: "edit", isEdit: true },
  { command: "save", keys: [mod("s")], group: "edit", isEdit: true },
  { command: "tidy", keys: [{ key: "l" }], group: "view", isEdit: true },
  { command: "fit", keys: [{ key: "f" }], group: "view" },
  { command: "zoom_in", keys: [{ key: "+" }, { key: "=" }], group: "view" },
  { command: "zoom_out", keys: [{ key: "-" }], group: "view" },
  { command: "run", keys: [mod("Enter")], group: "view" },
  { command: "menu", keys: [{ key: "ContextMenu" }, { key: "F10", shift: true }], group: "view" },
  { command: "help", keys: [{ key: "?" }], group: "view" },
];

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** What a key does on the canvas; null where it is not ours. */
export function commandOf(event: Pressed): Binding | null {
  if (event.altKey) return null;
  const isMod = event.ctrlKey || event.metaKey;
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const fits = (key: Key) => key.key === pressed && (key.mod ?? false) === isMod && (key.shift ?? event.shiftKey) === event.shiftKey;
  return BINDINGS.find(({ keys, isShownOnly }) => isShownOnly !== true && keys.some(fits)) ?? null;
}

/** Those that are done wherever the focus is on the screen, also while somebody types. */
export function isEverywhere(command: Command): boolean {
  return command === "save";
}

/** Whether keys belong to what has the focus: a field that is typed into, a dialog, a menu. */
export function isTaken(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable=true], dialog, [role=menu]") !== null;
}

const SIGNS: Readonly<Record<string, string>> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "␣",
  Delete: "Del",
  Escape: "Esc",
  ContextMenu: "☰",
};

/** A key as people read it. */
export function spelt({ key, mod = false, shift = false }: Key): string {
  return [mod && (isMac() ? "⌘" : "Ctrl"), shift && "⇧", SIGNS[key] ?? (key.length === 1 ? key.toUpperCase() : key)].filter(Boolean).join(" ");
}

/** The first key of a command: as people read it, and as `aria-keyshortcuts` has it. Undefined where it has none. */
export function keysOf(command: string): { readonly shown: string; readonly told: string } | undefined {
  const key = BINDINGS.find((binding) => binding.command === command)?.keys[0];
  if (key === undefined) return undefined;
  const told = [key.mod && (isMac() ? "Meta" : "Control"), key.shift && "Shift", key.key === " " ? "Space" : key.key].filter(Boolean).join("+");
  return { shown: spelt(key), told };
}

function isMac(): boolean {
  return typeof navigator !== "undefined" && navigator.userAgent.includes("Mac");
}
