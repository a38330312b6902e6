// Which key does what on the canvas. The sheet of keys is made of the same list.

export type Command =
  | "add"
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
