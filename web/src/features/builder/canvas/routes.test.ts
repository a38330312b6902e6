import { describe, expect, it } from "vitest";
import { boxAround, placedLabels } from "@/shared/flow/labels";
import { isIn, pointsOf, type Box, type Way } from "@/shared/flow/path";
import { LIBRARY, someFlow } from "@/shared/flow/sample-flows";
import type { EdgeDoc, FlowDoc, Position } from "../document";
import { labelSize, NODE, tidyPlaces } from "../layout";
import { linesOf } from "./lines";
import { endsOf, plainWay, routes } from "./routes";

const ORIGIN = { x: 0, y: 0 };
const library = LIBRARY as unknown as FlowDoc[];
const random = Array.from({ length: 30 }, (_, number) => ({ name: "", ...someFlow(number) }) as FlowDoc);

/** Each edge's way as it is drawn. */
function drawn(edges: readonly EdgeDoc[], places: ReadonlyMap<string, Position>): Way[] {
  const ways = routes(edges, places);
  return edges.map(({ from, to }, index) => ways[index] ?? plainWay(endsOf(places.get(from) ?? ORIGIN, places.get(to) ?? ORIGIN)));
}

function through(flow: FlowDoc, places: ReadonlyMap<string, Position>): string[] {
  return drawn(flow.edges, places).flatMap((way, index) => {
    const { from = "", to = "" } = flow.edges[index] ?? {};
    const points = pointsOf(way, 24);
    const hit = [...places].filter(([id, place]) => points.some((point) => isIn(point, { ...place, ...NODE }, id === from || id === to ? -1 : 4)));
    return hit.map(([id]) => `${flow.id}: ${from} to ${to} through ${id}`);
  });
}

describe("the ways of edges on the canvas", () => {
  it("lead through no node where the builder has placed them, not even their own", () => {
    for (const flow of [...library, ...random]) expect(through(flow, tidyPlaces(flow))).toEqual([]);
  }, 30_000);

  it("are plain where nothing stands between", () => {
    const places = new Map([["a", ORIGIN], ["b", { x: 400, y: 90 }], ["c", { x: 400, y: -90 }]]);
    expect(routes([{ from: "a", to: "b" }, { from: "a", to: "c" }], places)).toEqual([null, null]);
  });

  it("lead around a node that was put in their way, on its nearer side", () => {
    const places = (y: number) => new Map([["a", ORIGIN], ["between", { x: 300, y }], ["b", { x: 600, y: 0 }]]);
    const highest = (y: number) => Math.min(...pointsOf(drawn([{ from: "a", to: "b" }], places(y))[0] ?? { start: ORIGIN, bends: [] }).map((point) => point.y));
    expect(highest(20)).toBeLessThan(20);
    expect(highest(-20)).toBeGreaterThanOrEqual(NODE.height / 2);
  });

  it("back lead between the nodes that they pass, where there is room", () => {
    const places = new Map([["a", ORIGIN], ["b", { x: 300, y: 0 }], ["c", { x: 600, y: 0 }], ["low", { x: 300, y: 400 }]]);
    const way = drawn([{ from: "c", to: "a", max_rounds: 2 }], places)[0] ?? { start: ORIGIN, bends: [] };
    expect(Math.max(...pointsOf(way).map(({ y }) => Math.abs(y - NODE.height / 2)))).toBeLessThan(100);
  });

  it("that neither begin nor end together do not lie upon each other", () => {
    const names = ["a", "b", "c", "d", "e"];
    const places = new Map(names.map((id, index) => [id, { x: index * 300, y: 0 }]));
    const ways = drawn([{ from: "a", to: "d" }, { from: "b", to: "e" }, { from: "d", to: "b", max_rounds: 1 }], places);
    const besideC = ways.map((way) => pointsOf(way).find(({ x }) => x >= 600 && x <= 600 + NODE.width)?.y ?? Number.NaN);
    const [one = 0, second = 0, third = 0] = besideC.toSorted((a, b) => a - b);
    expect(Math.min(second - one, third - second)).toBeGreaterThan(8);
  });

  it("are plain where a node leaves no room to lead around", () => {
    const places = new Map([["a", ORIGIN], ["upon", { x: 100, y: 10 }], ["b", { x: 600, y: 0 }]]);
    expect(routes([{ from: "a", to: "b" }], places)).toEqual([null]);
  });

  it("of a flow of 500 nodes are found", () => {
    const nodes = Array.from({ length: 500 }, (_, index) => `n${index}`);
    const places = new Map(nodes.map((id, index) => [id, { x: (index % 25) * 280, y: Math.floor(index / 25) * 160 }]));
    const edges = nodes.slice(0, -3).flatMap((from, index) => [1, 3].map((step) => ({ from, to: nodes[index + step] ?? "" })));
    expect(routes(edges, places).filter((way) => way !== null).length).toBeGreaterThan(300);
  });
});

describe("the labels of edges on the canvas", () => {
  it.each(library)("lie upon no node and upon no other label in $id", (flow) => {
    const places = tidyPlaces(flow);
    const ways = drawn(flow.edges, places);
    const labels = flow.edges.flatMap((edge, index) => {
      const [size, way] = [labelSize(edge), ways[index]];
      return size === undefined || way === undefined ? [] : [{ size, way }];
    });
    const boxes = [...places.values()].map((place) => ({ ...place, ...NODE }));
    const found = placedLabels(labels, boxes).map((at, index) => boxAround(at, labels[index]?.size ?? NODE));
    const all = [...found, ...boxes];
    expect(found.flatMap((one, index) => all.slice(index + 1).filter((other) => isUpon(one, other)))).toEqual([]);
  });
});

it("a label that finds no room between two nodes stands below them", () => {
  const places = new Map([["a", ORIGIN], ["b", { x: NODE.width + 64, y: 0 }]]);
  const when = { value: "a.text", op: "contains", than: "a long word or two" } as const;
  const [line] = linesOf([{ from: "a", to: "b", when }], places);
  expect(line?.label).toEqual({ x: NODE.width + 32, y: NODE.height + 18 });
});

function isUpon(one: Box, other: Box): boolean {
  return one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
}
