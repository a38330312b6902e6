import { describe, expect, it } from "vitest";
import { BINDINGS, commandOf } from "./keys";

const press = (key: string, more: Partial<Record<"ctrlKey" | "metaKey" | "shiftKey" | "altKey", boolean>> = {}) =>
  commandOf({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more })?.command ?? null;

describe("a key", () => {
  it.each([
    ["a", {}, "add"],
    ["A", { shiftKey: true }, "add"],
    ["a", { ctrlKey: true }, "select_all"],
    ["ArrowLeft", {}, "left"],
    ["ArrowLeft", { shiftKey: true }, "move_left"],
    ["z", { metaKey: true }, "undo"],
    ["Z", { metaKey: true, shiftKey: true }, "redo"],
    ["y", { ctrlKey: true }, "redo"],
    ["?", { shiftKey: true }, "help"],
    ["c", {}, "connect"],
    ["+", { shiftKey: true }, "zoom_in"],
  ] as const)("%s %j is %s", (key, more, command) => expect(press(key, more)).toBe(command));

  it.each([
    ["c", { ctrlKey: true }],
    ["v", { ctrlKey: true }],
    ["k", { ctrlKey: true }],
    ["ArrowLeft", { altKey: true }],
    ["r", { ctrlKey: true }],
    ["q", {}],
    ["Tab", {}],
  ] as const)("%s %j is left to the browser", (key, more) => expect(press(key, more)).toBeNull());

  it("does one thing", () => {
    const all = BINDINGS.flatMap(({ keys }) => keys.map(({ key, mod = false, shift = "any" }) => `${key} ${mod} ${shift}`));
    expect(new Set(all).size).toBe(all.length);
    expect(new Set(BINDINGS.map(({ command }) => command)).size).toBe(BINDINGS.length);
  });
});
