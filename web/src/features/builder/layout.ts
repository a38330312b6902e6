// Where each node is drawn: where somebody placed it, and else where it fits beside those that it belongs to.
import { arranged, type Size } from "@/shared/flow/layout";
import type { EdgeDoc, FlowDoc, Position } from "./document";

/** The size of every node on the canvas. */
export const NODE = { width: 224, height: 68 };
/** The most that a label on an edge takes. */
const LABEL = { width: 176, height: 24 };
const GAP = 64;
const STEP = NODE.height + 28;
const MOST_TRIES = 2_000;

/** A place for every node. */
export function placesOf(flow: FlowDoc): ReadonlyMap<string, Position> {
  const layout = flow.layout ?? {};
  const places = new Map<string, Position>();
  for (const { id } of flow.nodes) {
    const at = layout[id];
    if (at !== undefined && Number.isFinite(at.x) && Number.isFinite(at.y)) places.set(id, at);
  }
  if (places.size === 0) return tidyPlaces(flow);
  const taken = new Taken(places.values());
  for (const { id } of flow.nodes) {
    if (places.has(id)) continue;
    const at = taken.free(wanted(flow, id, places));
    places.set(id, at);
    taken.add(at);
  }
  return places;
}

/** The same, remembered for as long as nothing has changed that places depend on: typing moves no node. */
export function placing(): (flow: FlowDoc) => ReadonlyMap<string, Position> {
  let last: { flow: FlowDoc; places: ReadonlyMap<string, Position> } | null = null;
  return (flow) => {
    if (last === null || !isPlacedAlike(last.flow, flow)) last = { flow, places: placesOf(flow) };
    else last = { flow, places: last.places };
    return last.places;
  };
}

function isPlacedAlike(one: FlowDoc, other: FlowDoc): boolean {
  const isSame = one.edges === other.edges && one.layout === other.layout && one.nodes.length === other.nodes.length;
  return isSame && (one.nodes === other.nodes || one.nodes.every(({ id }, index) => id === other.nodes[index]?.id));
}

/** A place for every node in layers, from left to right. */
export function tidyPlaces(flow: FlowDoc): ReadonlyMap<string, Position> {
  const edges = flow.edges.map((edge) => ({ ...edge, room: isBack(edge) ? undefined : labelSize(edge) }));
  return arranged({ nodes: flow.nodes, edges }, NODE, "LR", GAP).places;
}

/** An edge back runs above or below its nodes, and its label with it: it takes no room between them. */
function isBack({ max_rounds }: EdgeDoc): boolean {
  return typeof max_rounds === "number";
}

/** What the label of an edge takes at most; nothing for one without. */
export function labelSize({ when, otherwise, max_rounds }: EdgeDoc): Size | undefined {
  if (typeof max_rounds !== "number" && !when && otherwise !== true) return undefined;
  const letters = when ? `${when.value} ${when.op} ${JSON.stringify(when.than)}`.length : otherwise === true ? 10 : 0;
  const rounds = typeof max_rounds === "number" ? 36 : 0;
  return { width: Math.min(LABEL.width, letters * 6.5 + 16 + rounds), height: LABEL.height };
}

/** Where a new node fits: to the right of the one that it follows, else below all the others. */
export function placeFor(places: ReadonlyMap<string, Position>, after: string | null): Position {
  const before = after === null ? undefined : places.get(after);
  const taken = new Taken(places.values());
  if (before !== undefined) return taken.free({ x: before.x + NODE.width + GAP, y: before.y });
  const all = [...places.values()];
  if (all.length === 0) return { x: 0, y: 0 };
  return taken.free({ x: Math.min(...all.map(({ x }) => x)), y: Math.max(...all.map(({ y }) => y)) + STEP });
}

/** Where a new node fits between two, and where those go that make room for it: all that stand beyond, as far as it takes. */
export function placeBetween(places: ReadonlyMap<string, Position>, from: string, to: string): { at: Position; moved: ReadonlyMap<string, Position> } {
  const [one, other] = [places.get(from), places.get(to)];
  const stays = new Map<string, Position>();
  if (one === undefined || other === undefined) return { at: placeFor(places, from), moved: stays };
  const middle = { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
  // One that leads to the left has its way below: there is room at its middle, or under that.
  if (other.x <= one.x) return { at: new Taken(places.values()).free({ x: middle.x, y: middle.y + STEP }), moved: stays };
  const missing = Math.max(0, one.x + 2 * (NODE.width + GAP) - other.x);
  const moved = new Map([...places].filter(([id, { x }]) => missing > 0 && id !== from && x >= other.x).map(([id, { x, y }]) => [id, { x: x + missing, y }]));
  const at = { x: middle.x + missing / 2, y: middle.y };
  return { at: new Taken([...places].map(([id, place]) => moved.get(id) ?? place)).free(at), moved };
}

/** The free place nearest below the one that is wanted. */
export function freePlace(places: Iterable<Position>, at: Position): Position {
  return new Taken(places).free(at);
}

function wanted(flow: FlowDoc, id: string, places: ReadonlyMap<string, Position>): Position {
  const before = flow.edges.find(({ from, to }) => to === id && places.has(from));
  const beside = before && places.get(before.from);
  if (beside) return { x: beside.x + NODE.width + GAP, y: beside.y };
  const behind = flow.edges.find(({ from, to }) => from === id && places.has(to));
  const next = behind && places.get(behind.to);
  if (next) return { x: next.x - NODE.width - GAP, y: next.y };
  return { x: 0, y: 0 };
}

/** The places that are taken, in a grid of the nodes' size: to ask for a free one takes a step for each try. */
class Taken {
  private readonly cells = new Map<string, Position[]>();

  constructor(places: Iterable<Position>) {
    for (const place of places) this.add(place);
  }

  add(place: Position): void {
    const key = cellOf(place.x, place.y);
    this.cells.set(key, [...(this.cells.get(key) ?? []), place]);
  }

  free({ x, y }: Position): Position {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const at = { x, y: y + tries * STEP };
      if (!this.hits(at)) return at;
    }
    return { x, y };
  }

  private hits({ x, y }: Position): boolean {
    for (const dx of [-NODE.width, 0, NODE.width]) {
      for (const dy of [-NODE.height, 0, NODE.height]) {
        const near = this.cells.get(cellOf(x + dx, y + dy)) ?? [];
        if (near.some((one) => Math.abs(one.x - x) < NODE.width && Math.abs(one.y - y) < NODE.height)) return true;
      }
    }
    return false;
  }
}

function cellOf(x: number, y: number): string {
  return `${Math.floor(x / NODE.width)} ${Math.floor(y / NODE.height)}`;
}

/** The node that lies nearest in a direction: for going from node to node with the arrow keys. */
export function nearest(
  places: ReadonlyMap<string, Position>,
  from: string,
  direction: "left" | "right" | "up" | "down",
): string | null {
  const at = places.get(from);
  if (at === undefined) return null;
  const [along, across] = direction === "left" || direction === "right" ? (["x", "y"] as const) : (["y", "x"] as const);
  const sign = direction === "right" || direction === "down" ? 1 : -1;
  let best: { id: string; cost: number } | null = null;
  for (const [id, place] of places) {
    const ahead = (place[along] - at[along]) * sign;
    if (id === from || ahead <= 1) continue;
    const cost = ahead + 2.5 * Math.abs(place[across] - at[across]);
    if (best === null || cost < best.cost) best = { id, cost };
  }
  return best?.id ?? null;
}
