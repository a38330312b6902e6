import { describe, expect, it } from "vitest";
import { middleOf, NODE, pictured } from "./picture";

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
    expect(pictured(council, 334).lines.map((line) => line.length > 1)).toEqual(EXPERTS.map(() => true));
  });

  it("stays legible however much there is of it", () => {
    const wide = { nodes: council.nodes.slice(0, 8), edges: EXPERTS.slice(1).map((to) => ({ from: "a", to })) };
    const both = { nodes: [...wide.nodes, ...chain(EXPERTS.map((name) => `${name}2`)).nodes], edges: [...wide.edges, ...chain(EXPERTS.map((name) => `${name}2`)).edges] };
    const { scale, size } = pictured(both, 200);
    expect(scale).toBeGreaterThanOrEqual(0.72);
    expect(size.width).toBeGreaterThanOrEqual(NODE.width);
  });
});

describe("the middle of a line", () => {
  it("lies on its middle corner, or between the two", () => {
    const corners = [{ x: 0, y: 0 }, { x: 10, y: 4 }, { x: 20, y: 0 }];
    expect(middleOf(corners)).toEqual({ x: 10, y: 4 });
    expect(middleOf(corners.slice(0, 2))).toEqual({ x: 5, y: 2 });
    expect(middleOf([])).toEqual({ x: 0, y: 0 });
  });
});
