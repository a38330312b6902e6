import { describe, expect, it } from "vitest";
import { changeNode, type FlowDoc } from "../document";
import { placesOf } from "../layout";
import type { Selection } from "../store";
import { Elements } from "./elements";

const flow: FlowDoc = {
  id: "mine",
  name: "Mine",
  nodes: ["a", "b", "c"].map((id) => ({ id, kind: "generate" })),
  edges: [
    { from: "a", to: "b" },
    { from: "b", to: "c" },
  ],
};
const nothing: Selection = { nodes: new Set(), edges: new Set() };
const drawing = { flow, places: placesOf(flow), selection: nothing, inTabOrder: "a", labelOf: ({ id }: { id: string }) => id };

describe("what is drawn", () => {
  it("is the same array where nothing has changed", () => {
    const elements = new Elements();
    expect(elements.nodesOf(drawing)).toBe(elements.nodesOf({ ...drawing, places: placesOf(flow) }));
    expect(elements.edgesOf(drawing)).toBe(elements.edgesOf({ ...drawing, selection: { ...nothing } }));
  });

  it("is the same object for every node but those that were edited, moved or selected", () => {
    const elements = new Elements();
    const before = elements.nodesOf(drawing);
    const edited = changeNode(flow, "b", { prompt: "x" });
    const after = elements.nodesOf({ ...drawing, flow: edited });
    expect(after.map((node, index) => node === before[index])).toEqual([true, false, true]);
    const moved = elements.nodesOf({ ...drawing, flow: edited, places: new Map([...drawing.places, ["c", { x: 7, y: 7 }]]) });
    expect(moved.map((node, index) => node === after[index])).toEqual([true, true, false]);
    expect(moved[2]?.data).toBe(after[2]?.data);
    const selected = elements.nodesOf({ ...drawing, flow: edited, selection: { ...nothing, nodes: new Set(["a"]) } });
    expect(selected.map(({ selected: is }) => is)).toEqual([true, false, false]);
  });

  it("has one node in the order of the Tab key", () => {
    expect(new Elements().nodesOf(drawing).map(({ focusable }) => focusable)).toEqual([true, false, false]);
  });
});
