import { describe, expect, it } from "vitest";
import { LIBRARY } from "@/shared/flow/sample-flows";
import { boxAround } from "@/shared/flow/labels";
import { isIn, pointsOf, type Box } from "@/shared/flow/path";
import { COUNT, NODE, pictured, SMALLEST } from "./picture";

const EXPERTS = ["a", "b", "c", "d", "e", "f", "g", "h"];
const chain = (names: readonly string[]) => ({
  nodes: names.map((id) => ({ id })),
  edges: names.slice(1).map((to, at) => ({ from: names[at] ?? "", to })),
});
const council = {
  nodes: [...EXPERTS, "sum"].map((id) => ({ id })),
  edges: EXPERTS.map((from) => ({ from, to: "sum" })),
};

describe("the picture of a flow", () => {
  it("runs down where it is long, and across where it is wide", () => {
    expect(pictured(chain(["one", "two", "three"]), 334)).toMatchObject({ direction: "TB", scale: 1 });
    expect(pictured(council, 334)).toMatchObject({ direction: "LR", scale: 1 });
    expect(pictured(chain(["one", "two", "three"]), 1000).direction).toBe("LR");
  });

  it("shows voices side by side in the order in which they are named", () => {
    const { places } = pictured(council, 334);
    const order = [...EXPERTS].sort((one, other) => (places.get(one)?.y ?? 0) - (places.get(other)?.y ?? 0));
    expect(order).toEqual(EXPERTS);
    expect(pictured(council, 334).ways.map((way) => way !== null)).toEqual(EXPERTS.map(() => true));
  });

  it("stays legible however much there is of it", () => {
    const wide = { nodes: council.nodes.slice(0, 8), edges: EXPERTS.slice(1).map((to) => ({ from: "a", to })) };
    const both = { nodes: [...wide.nodes, ...chain(EXPERTS.map((name) => `${name}2`)).nodes], edges: [...wide.edges, ...chain(EXPERTS.map((name) => `${name}2`)).edges] };
    const { scale, size } = pictured(both, 200);
    expect(scale).toBeGreaterThanOrEqual(SMALLEST);
    expect(size.width).toBeGreaterThanOrEqual(NODE.width);
  });
});

describe.each(LIBRARY)("the flow $id of the library", (flow) => {
  it.each([334, 700, 1400])("has no line through a node, and no two counts upon each other or upon a node, at %i", (width) => {
    const { places, ways, counts } = pictured(flow, width);
    const boxes = [...places].map(([id, place]) => ({ id, box: { ...place, ...NODE } }));
    flow.edges.forEach(({ from, to }, index) => {
      const others = boxes.filter(({ id }) => id !== from && id !== to);
      const points = pointsOf(ways[index] ?? { start: { x: 0, y: 0 }, bends: [] });
      expect(others.filter(({ box }) => points.some((point) => isIn(point, box, 4)))).toEqual([]);
    });
    const labels = counts.flatMap((at) => (at === null ? [] : [boxAround(at, COUNT)]));
    const all = [...labels, ...boxes.map(({ box }) => box)];
    const upon = labels.flatMap((one, index) => all.slice(index + 1).filter((other) => isUpon(one, other)));
    expect(upon).toEqual([]);
  });
});

function isUpon(one: Box, other: Box): boolean {
  return one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
}
