import { describe, expect, it } from "vitest";
import { arranged, type Direction } from "./layout";
import { isIn, pointsOf } from "./path";
import { LIBRARY, someFlow } from "./sample-flows";

const SIZE = { width: 40, height: 20 };
const challenge = {
  nodes: [{ id: "creator" }, { id: "challenger" }, { id: "refiner" }],
  edges: [
    { from: "creator", to: "challenger" },
    { from: "challenger", to: "refiner" },
    { from: "refiner", to: "challenger" },
  ],
};

describe("the arrangement of a flow", () => {
  it("puts each node beside the one before it, and no two upon each other", () => {
    const { places } = arranged(challenge, SIZE);
    const xs = challenge.nodes.map(({ id }) => places.get(id)?.x ?? Number.NaN);
    expect(xs[1]).toBeGreaterThan((xs[0] ?? 0) + SIZE.width);
    expect(xs[2]).toBeGreaterThan((xs[1] ?? 0) + SIZE.width);
  });

  it("puts parallel experts beside each other, in the order in which they are named", () => {
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const edges = names.map((to) => ({ from: "start", to }));
    const { places } = arranged({ nodes: [{ id: "start" }, ...names.map((id) => ({ id }))], edges }, SIZE);
    expect(new Set(names.map((id) => places.get(id)?.x)).size).toBe(1);
    const ys = names.map((id) => places.get(id)?.y ?? Number.NaN);
    expect(ys).toEqual([...new Set(ys)].sort((one, other) => one - other));
  });

  it("draws each edge, also two between the same nodes, and none to a node that is not there", () => {
    const edges = [...challenge.edges, { from: "creator", to: "challenger" }, { from: "creator", to: "nobody" }];
    const { ways } = arranged({ ...challenge, edges }, SIZE);
    expect(ways.map((way) => way !== null)).toEqual([true, true, true, true, false]);
  });

  it("has every way within the picture, also those of edges back", () => {
    const nodes = ["a", "b", "c", "d", "e"].map((id) => ({ id }));
    const edges = [["a", "b"], ["b", "c"], ["c", "b"], ["c", "d"], ["d", "a"], ["a", "e"], ["e", "d"]].map(([from = "", to = ""]) => ({ from, to }));
    const { ways, size } = arranged({ nodes, edges }, SIZE, "LR", 12);
    for (const { x, y } of ways.flatMap((way) => (way === null ? [] : pointsOf(way)))) {
      expect(Math.min(x, y, size.width - x, size.height - y)).toBeGreaterThanOrEqual(0);
    }
  });

  it("has room for nothing at all, and for a node that leads to itself", () => {
    expect(arranged({ nodes: [], edges: [] }, SIZE).size).toEqual({ width: 1, height: 1 });
    const alone = arranged({ nodes: [{ id: "a" }], edges: [{ from: "a", to: "a" }] }, SIZE);
    expect(alone.places.get("a")).toEqual({ x: 4, y: 4 });
    expect(alone.ways[0]?.bends).toHaveLength(1);
    expect(alone.size.height).toBeGreaterThan(SIZE.height + 8);
  });

  it("places 500 nodes within a second", () => {
    const nodes = Array.from({ length: 500 }, (_, index) => ({ id: `n${index}` }));
    const edges = nodes.slice(1).map(({ id }, index) => ({ from: `n${Math.floor(index / 2)}`, to: id }));
    const { places } = arranged({ nodes, edges }, SIZE);
    expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(500);
  });
});

describe("the ways of edges", () => {
  const flows = [...LIBRARY, ...Array.from({ length: 30 }, (_, number) => someFlow(number))];

  it.each<[Direction, number]>([["LR", 12], ["LR", 34], ["TB", 34]])("lead through no node but their own (%s, %i between layers)", (direction, gap) => {
    for (const flow of flows) {
      const { places, ways } = arranged(flow, SIZE, direction, gap);
      flow.edges.forEach(({ from, to }, index) => {
        const points = pointsOf(ways[index] ?? { start: { x: 0, y: 0 }, bends: [] }, 24);
        const through = [...places].filter(([id, place]) => points.some((point) => isIn(point, { ...place, ...SIZE }, id === from || id === to ? -0.5 : 1)));
        expect(through.map(([id]) => `${flow.id}: ${from} to ${to} through ${id}`)).toEqual([]);
      });
    }
  }, 30_000);

  it("stand for layers that edges back do not turn about", () => {
    const debate = LIBRARY.find(({ id }) => id === "debate");
    const { places } = arranged(debate ?? challenge, SIZE);
    const xs = ["agent_1", "agent_2", "agent_3", "answers", "vote"].map((id) => places.get(id)?.x ?? Number.NaN);
    expect(xs[1]).toBe(xs[0]);
    expect(xs[2]).toBe(xs[0]);
    expect(xs[4]).toBeGreaterThan(xs[3] ?? Number.NaN);
    expect(xs[3]).toBeGreaterThan(xs[0] ?? Number.NaN);
  });
});
