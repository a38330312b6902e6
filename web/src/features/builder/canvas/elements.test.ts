import { describe, expect, it } from "vitest";
import { changeNode, type FlowDoc } from "../document";
import { placesOf } from "../layout";
import type { Selection } from "../store";
import { Elements } from "./elements";
import { linesOf, whileDragged } from "./lines";

const flow: FlowDoc = {
  id: "mine",
  name: "Mine",
  nodes: ["a", "b", "c"].map((id) => ({ id, kind: "generate" })),
  edges: [
    { from: "a", to: "b" },
    { from: "b", to: "c" },
  ],
};
const nothing: Selection = { nodes: new Set(), edges: new Set(), notes: new Set() };
const drawing = { flow, lines: linesOf(flow.edges, placesOf(flow)), places: placesOf(flow), boxes: new Map(), selection: nothing, inTabOrder: "a", labelOf: (one: object) => ("id" in one ? String(one.id) : "note"), edgeLabelOf: ({ from, to }: { from: string; to: string }) => `${from}-${to}`, roles: { node: "node", edge: "edge", note: "note" } };

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

  it("draws no edge anew but those of the nodes that are dragged, and those that make way for where they are put", () => {
    const elements = new Elements();
    const skipping = { ...flow, edges: [...flow.edges, { from: "a", to: "c" }] };
    const places = placesOf(skipping);
    const lines = linesOf(skipping.edges, places);
    const before = elements.edgesOf({ ...drawing, flow: skipping, lines });
    const dragged = new Map([["b", { x: places.get("b")?.x ?? 0, y: 900 }]]);
    const during = elements.edgesOf({ ...drawing, flow: skipping, lines: whileDragged(lines, skipping.edges, dragged) });
    expect(during.map((edge, index) => edge === before[index])).toEqual([true, true, true]);
    expect(lines.map(({ path }) => path === null)).toEqual([true, true, false]);
    const after = elements.edgesOf({ ...drawing, flow: skipping, lines: linesOf(skipping.edges, new Map([...places, ...dragged])) });
    expect(after.map((edge, index) => edge === before[index])).toEqual([true, true, false]);
    expect(after[2]?.data?.line.path).toBeNull();
  });

  it("has one node in the order of the Tab key", () => {
    expect(new Elements().nodesOf(drawing).map(({ focusable }) => focusable)).toEqual([true, false, false]);
  });
});
