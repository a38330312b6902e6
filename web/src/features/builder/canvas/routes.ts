// Which way each edge takes past the nodes that stand between its own: for edges whose plain curve would lead through one.
import { corner, isIn, pointsOf, straight, throughLanes, type Box, type Lane, type Point, type Way } from "@/shared/flow/path";
import type { EdgeDoc, Position } from "../document";
import { NODE } from "../layout";

/** From the side of a node to where an edge back turns. */
export const BESIDE = 32;
const CORNER = 16;
/** Less than this between a line and a node looks like touching. */
const LEAST_ROOM = 13;
const TOUCHING = 6;
/** What it takes to go from one lane to another. */
const LEAST_BEND = 18;
/** Lines nearer to each other than this look like one. */
const APART = 9;
const CROWDED = 80;
/** Where lines run beside a node, if there is room: the first, and others beside that. */
const ROOMS = [22, 22 + APART, 22 + 2 * APART];
/** So many lanes of a column are looked at, the nearest ones. */
const MOST_LANES = 10;
const MOST_SHARED = 6;
/** What it costs to go up or down at all. */
const BENT = 8;
const LEAST_PULL = 28;
const MOST_PULL = 160;

export interface Ends {
  readonly from: Point;
  readonly to: Point;
}

/** Where an edge leaves its node, and where it comes in. */
export function endsOf(from: Position, to: Position): Ends {
  return {
    from: { x: from.x + NODE.width, y: from.y + NODE.height / 2 },
    to: { x: to.x, y: to.y + NODE.height / 2 },
  };
}

/** Forward in one curve, back in a bow below both nodes: what an edge does where nothing stands in its way. */
export function plainWay({ from, to }: Ends): Way {
  if (isAhead({ from, to })) {
    const pull = Math.min(MOST_PULL, Math.max(LEAST_PULL, (to.x - from.x) / 2));
    return { start: from, bends: [{ a: { x: from.x + pull, y: from.y }, b: { x: to.x - pull, y: to.y }, to }] };
  }
  const low = Math.max(from.y, to.y) + NODE.height / 2 + BESIDE;
  return wayBack({ from, to }, [{ begin: from.x, end: to.x, at: low }]);
}

function isAhead({ from, to }: Ends): boolean {
  return to.x >= from.x + 8;
}

/** Out to the right, over the lanes from right to left, and in from the left. */
function wayBack({ from, to }: Ends, lanes: readonly Lane[]): Way {
  const [first, last] = [lanes[0]?.at ?? from.y, lanes.at(-1)?.at ?? to.y];
  const [right, left] = [from.x + BESIDE, to.x - BESIDE];
  const out = turned(from, right, first);
  const back = throughLanes({ x: right - CORNER, y: first }, lanes, { x: left + CORNER, y: last });
  const into = turned(to, left, last).toReversed();
  return { start: from, bends: [...bendsOf(out, right), ...back.bends, ...bendsOf(into, left)] };
}

/** From a node's side to the upright at `x`, along it, and onto the lane. */
function turned(end: Point, x: number, lane: number): Point[] {
  const down = lane > end.y ? 1 : -1;
  const round = Math.min(CORNER, Math.abs(lane - end.y) / 2);
  const side = x > end.x ? -1 : 1;
  return [end, { x: x + side * CORNER, y: end.y }, { x, y: end.y + down * round }, { x, y: lane - down * round }, { x: x + side * CORNER, y: lane }];
}

function bendsOf(points: readonly Point[], upright: number): Way["bends"] {
  return points.slice(1).map((to, index) => {
    const from = points[index] ?? to;
    if (from.x === to.x || from.y === to.y) return straight(from, to);
    return corner(from, { x: upright, y: from.x === upright ? to.y : from.y }, to);
  });
}

interface Taken extends Lane {
  readonly edge: EdgeDoc;
}

interface Standing {
  readonly id: string;
  readonly box: Box;
}

/** The way of each edge, in their order; null for one whose plain way is free, or for which there is no other. */
export function routes(edges: readonly EdgeDoc[], places: ReadonlyMap<string, Position>): readonly (Way | null)[] {
  const nodes = [...places].map(([id, { x, y }]): Standing => ({ id, box: { x, y, ...NODE } }));
  const taken = new Lanes();
  return edges.map((edge) => {
    const [from, to] = [places.get(edge.from), places.get(edge.to)];
    if (from === undefined || to === undefined) return null;
    const ends = endsOf(from, to);
    const isForward = isAhead(ends);
    if (isForward && isFree(plainWay(ends), edge, nodes)) return null;
    const inWay = nodes.filter(({ id }) => !isForward || (id !== edge.from && id !== edge.to)).map(({ box }) => box);
    const lanes = lanesOf(ends, inWay, (lane) => taken.crowd(lane, edge));
    if (lanes === null) return null;
    for (const lane of lanes) taken.add({ ...lane, edge });
    return isForward ? throughLanes(ends.from, lanes, ends.to) : wayBack(ends, lanes);
  });
}

function isFree(way: Way, { from, to }: EdgeDoc, nodes: readonly Standing[]): boolean {
  const end = way.bends.at(-1)?.to ?? way.start;
  const [top, low] = [Math.min(way.start.y, end.y) - TOUCHING, Math.max(way.start.y, end.y) + TOUCHING];
  const near = nodes.filter(
    ({ id, box: { x, y, width, height } }) =>
      id !== from && id !== to && x < end.x + TOUCHING && x + width > way.start.x - TOUCHING && y < low && y + height > top,
  );
  if (near.length === 0) return true;
  const points = pointsOf(way, 32);
  return near.every(({ box }) => !points.some((point) => isIn(point, box, TOUCHING)));
}

/** The lanes that have edges already, by their height. */
class Lanes {
  private readonly heights = new Map<number, Taken[]>();

  add(lane: Taken): void {
    const height = Math.floor(lane.at / APART);
    this.heights.set(height, [...(this.heights.get(height) ?? []), lane]);
  }

  /** What it costs that others run there already: edges that begin or end together may share a line. */
  crowd({ begin, end, at }: Lane, edge: EdgeDoc): number {
    const [left, right] = [Math.min(begin, end), Math.max(begin, end)];
    const height = Math.floor(at / APART);
    const near = [height - 1, height, height + 1].flatMap((one) => this.heights.get(one) ?? []);
    const isInWay = (lane: Taken) => {
      const isNear = Math.abs(lane.at - at) < APART && Math.min(lane.begin, lane.end) < right && Math.max(lane.begin, lane.end) > left;
      const isOther = lane.edge.from !== edge.from && lane.edge.to !== edge.to;
      return isNear && (isOther || lane.begin > lane.end !== begin > end);
    };
    return near.filter(isInWay).length * CROWDED;
  }
}

interface Column {
  begin: number;
  end: number;
  boxes: Box[];
}

/** A free lane past the nodes of each column between the ends, all in all with as little up and down as can be. */
function lanesOf(ends: Ends, boxes: readonly Box[], cost: (lane: Lane) => number): readonly Lane[] | null {
  const isForward = isAhead(ends);
  const [left, right] = isForward ? [ends.from.x, ends.to.x] : [ends.to.x - BESIDE - TOUCHING, ends.from.x + BESIDE + TOUCHING];
  const columns = columnsOf(boxes, left, right, isForward ? LEAST_BEND : BESIDE + TOUCHING - CORNER);
  if (columns === null) return null;
  if (!isForward) columns.reverse();
  const [first, last] = [ends.from.y, ends.to.y];
  const near = columns.map((column, index) => {
    const wanted = first + ((last - first) * (index + 1)) / (columns.length + 1);
    return heightsOf(column, [first, last], wanted);
  });
  // A height that is free in several columns may lead straight through all of them.
  const all = columns.length > MOST_SHARED ? [] : near.flat();
  const choices = columns.map((column, index) => {
    const heights = new Set([...(near[index] ?? []), ...all.filter((at) => isFreeIn(column, at))]);
    const [begin, end] = isForward ? [column.begin, column.end] : [column.end, column.begin];
    return [...heights].map((at) => ({ begin, end, at }));
  });
  return cheapest(choices, first, last, cost);
}

/** The nodes between two places in columns, with room to bend between them; null where there is no such room at the ends. */
function columnsOf(boxes: readonly Box[], left: number, right: number, room: number): Column[] | null {
  const between = boxes.filter(({ x, width }) => x < right && x + width > left).toSorted((one, other) => one.x - other.x);
  const columns: Column[] = [];
  for (const box of between) {
    const [begin, end] = [box.x, box.x + box.width];
    const last = columns.at(-1);
    if (last !== undefined && begin < last.end + LEAST_BEND) {
      last.end = Math.max(last.end, end);
      last.boxes.push(box);
    } else columns.push({ begin, end, boxes: [box] });
  }
  return columns.every(({ begin, end }) => begin >= left + room && end <= right - room) ? columns : null;
}

/** Heights in a column that keep off every node in it: level with the ends, or above and below of nodes, the nearest ones. */
function heightsOf(column: Column, level: readonly number[], wanted: number): number[] {
  const isFreeAt = (at: number) => isFreeIn(column, at);
  const free = new Set(level.filter(isFreeAt));
  const sides = column.boxes.flatMap(({ y, height }) => [{ at: y, way: -1 }, { at: y + height, way: 1 }]);
  for (const { at, way } of sides.toSorted((one, other) => Math.abs(one.at - wanted) - Math.abs(other.at - wanted))) {
    if (free.size >= MOST_LANES) break;
    const roomy = ROOMS.map((room) => at + way * room).filter(isFreeAt);
    for (const one of roomy.length > 0 ? roomy : [at + way * LEAST_ROOM].filter(isFreeAt)) free.add(one);
  }
  return [...free];
}

function isFreeIn({ boxes }: Column, at: number): boolean {
  return boxes.every(({ y, height }) => at <= y - LEAST_ROOM || at >= y + height + LEAST_ROOM);
}

interface Tried {
  readonly lane: Lane;
  readonly cost: number;
  readonly before: Tried | null;
}

/** One lane of each column. */
function cheapest(choices: readonly Lane[][], first: number, last: number, cost: (lane: Lane) => number): readonly Lane[] | null {
  let tried: readonly Tried[] = [];
  for (const [index, lanes] of choices.entries()) {
    tried = lanes.map((lane) => {
      const own = cost(lane);
      if (index === 0) return { lane, cost: own + Math.abs(lane.at - first), before: null };
      const before = tried.reduce((best, one) => (reach(one, lane) < reach(best, lane) ? one : best));
      return { lane, cost: own + reach(before, lane), before };
    });
    if (tried.length === 0) return null;
  }
  const ended = tried.toSorted((one, other) => one.cost + Math.abs(one.lane.at - last) - other.cost - Math.abs(other.lane.at - last))[0];
  const found: Lane[] = [];
  for (let one: Tried | null = ended ?? null; one !== null; one = one.before) found.unshift(one.lane);
  return found;
}

function reach({ lane, cost }: Tried, next: Lane): number {
  return cost + (lane.at === next.at ? 0 : BENT + Math.abs(lane.at - next.at));
}
