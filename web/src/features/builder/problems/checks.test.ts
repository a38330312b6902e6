import { describe, expect, it } from "vitest";
import type { FlowDoc } from "../document";
import type { Checked } from "../store";
import { isCheckOf } from "./checks";

const flow: FlowDoc = { id: "mine", name: "Mine", nodes: [{ id: "a", kind: "generate" }], edges: [], notes: { why: { text: "Why", x: 0, y: 0 } } };
const checked = (...paths: string[]): Checked => ({
  document: flow,
  verdict: { valid: paths.length === 0, problems: paths.map((path) => ({ path, message: "Wrong." })) } as unknown as Checked["verdict"],
});

describe("a check", () => {
  it("still says of the flow what a new one would where only places and notes are others", () => {
    const noted = { ...flow, layout: { a: { x: 5, y: 5 } }, notes: { why: { text: "Why not", x: 0, y: 0 } } };
    expect(isCheckOf(checked("/nodes/0/prompt"), noted)).toBe(true);
    expect(isCheckOf(checked(), { ...noted, nodes: [...flow.nodes] })).toBe(false);
  });

  it("is made anew for a note where it found fault with one", () => {
    expect(isCheckOf(checked("/notes/why/text"), { ...flow, notes: {} })).toBe(false);
  });
});
