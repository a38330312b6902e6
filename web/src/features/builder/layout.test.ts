import { describe, expect, it } from "vitest";
import type { FlowDoc, Position } from "./document";
import { freePlace, nearest, NODE, placeBetween, placeFor, placesOf, placing } from "./layout";

function row(count: number, layout: Record<string, Position> = {}): FlowDoc {
  const nodes = Array.from({ length: count }, (_, index) => ({ id: `n${index}`, kind: "generate" }));
  const edges = nodes.slice(1).map(({ id }, index) => ({ from: `n${index}`, to: id }));
  return { id: "row", name: "Row", nodes, edges, layout };
}

function overlapping(places: ReadonlyMap<string, Position>): string[] {
  const all = [...places];
  return all.flatMap(([one, a], index) =>
    all
      .slice(index + 1)
      .filter(([, b]) => Math.abs(a.x - b.x) < NODE.width && Math.abs(a.y - b.y) < NODE.height)
      .map(([other]) => `${one} ${other}`),
  );
}

describe("places", () => {
  it("are in layers where nobody has placed anything", () => {
    const places = placesOf(row(5));
    const xs = [...places.values()].map(({ x }) => x);
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    expect(overlapping(places)).toEqual([]);
  });

  it("stay where somebody has put them, and the others find room beside those that they belong to", () => {
    const places = placesOf(row(6, { n1: { x: 700, y: 300 }, n3: { x: 0, y: 0 } }));
    expect([places.get("n1"), places.get("n3")]).toEqual([{ x: 700, y: 300 }, { x: 0, y: 0 }]);
    expect(places.get("n2")).toEqual({ x: 700 + NODE.width + 64, y: 300 });
    expect((places.get("n0")?.x ?? 1e9) + NODE.width).toBeLessThan(700);
    expect(places.size).toBe(6);
    expect(overlapping(places)).toEqual([]);
  });

  it("that are none are made anew", () => {
    const broken = { n0: { x: Number.NaN, y: 0 } };
    expect(placesOf(row(2, broken)).get("n0")).toEqual(placesOf(row(2)).get("n0"));
  });

  it("for 500 nodes of which one is placed are found at once, none upon another", () => {
    const begun = performance.now();
    const places = placesOf(row(500, { n0: { x: 0, y: 0 } }));
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(overlapping(places)).toEqual([]);
  });
});

it("typing moves no node, and costs no new arrangement", () => {
  const places = placing();
  const flow = row(3);
  const before = places(flow);
  expect(places({ ...flow, nodes: flow.nodes.map((node) => ({ ...node, prompt: "x" })) })).toBe(before);
  expect(places({ ...flow, layout: { n0: { x: 5, y: 5 } } })).not.toBe(before);
  expect(places({ ...flow, edges: [] })).not.toBe(before);
});

describe("a new node", () => {
  it("stands to the right of the one that it follows, below what is there already", () => {
    const places = new Map([["a", { x: 0, y: 0 }]]);
    const first = placeFor(places, "a");
    expect(first).toEqual({ x: NODE.width + 64, y: 0 });
    const second = placeFor(new Map([...places, ["b", first]]), "a");
    expect(second.x).toBe(first.x);
    expect(second.y).toBeGreaterThanOrEqual(NODE.height);
  });

  it("stands at the origin of an empty canvas, and below a full one", () => {
    expect(placeFor(new Map(), null)).toEqual({ x: 0, y: 0 });
    expect(placeFor(new Map([["a", { x: 40, y: 500 }]]), null).y).toBeGreaterThanOrEqual(500 + NODE.height);
  });

  it("that is dropped on another one is moved off it", () => {
    const at = freePlace([{ x: 100, y: 100 }], { x: 110, y: 90 });
    expect(at.y).toBeGreaterThanOrEqual(100 + NODE.height);
  });
});

describe("a node between two", () => {
  it("moves those beyond as far as it takes, and nobody where its edge leads to the left", () => {
    const right = placeBetween(new Map([["a", { x: 0, y: 0 }], ["b", { x: 300, y: 0 }]]), "a", "b");
    expect(right.moved.get("b")?.x).toBeGreaterThan(right.at.x + NODE.width);
    const left = placeBetween(new Map([["a", { x: 600, y: 0 }], ["b", { x: 0, y: 0 }]]), "a", "b");
    expect(left.moved.size).toBe(0);
    expect(left.at.y).toBeGreaterThan(NODE.height);
  });
});

describe("the node in a direction", () => {
  const places = new Map([
    ["middle", { x: 0, y: 0 }],
    ["right", { x: 300, y: 20 }],
    ["far_right", { x: 900, y: 0 }],
    ["above", { x: 30, y: -200 }],
    ["left", { x: -300, y: 100 }],
  ]);

  it("is the nearest one there", () => {
    expect(nearest(places, "middle", "right")).toBe("right");
    expect(nearest(places, "right", "right")).toBe("far_right");
    expect(nearest(places, "middle", "up")).toBe("above");
    expect(nearest(places, "middle", "left")).toBe("left");
  });

  it("is none where nothing lies there", () => {
    expect(nearest(places, "far_right", "right")).toBeNull();
    expect(nearest(places, "nobody", "right")).toBeNull();
  });
});
