// Where the nodes of a flow stand when nobody has placed them: in layers, from left to right or from top to bottom.
import { Graph, layout as arrange } from "@dagrejs/dagre";
import { moved, throughLanes, type Lane, type Point, type Way } from "./path";

export interface Size {
  width: number;
  height: number;
}

interface ShapeEdge {
  from: string;
  to: string;
  /** Of an edge back: it leads against the layers. */
  max_rounds?: number | null | undefined;
  /** What its label takes. */
  room?: Size | undefined;
}

export interface Shape {
  nodes: readonly { id: string }[];
  edges: readonly ShapeEdge[];
}

export interface Arrangement {
  /** The upper left corner of each node. */
  places: ReadonlyMap<string, Point>;
  /** The way of each edge, in the order of the flow's edges; null for one to a node that is not there. */
  ways: readonly (Way | null)[];
  size: Size;
}

export type Direction = "LR" | "TB";

/** Less than this from the middle of a node's side edges begin and end. */
const SIDE = 0.6;
const MARGIN = 4;

/** `node`: the size of every node; `gap`: between two layers. */
export function arranged(flow: Shape, node: Size, direction: Direction = "LR", gap = 48): Arrangement {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: gap / 2, edgesep: gap / 2, ranksep: gap, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  // Nodes beside each other come out last first: so that the first one stands first, the last goes in first.
  for (const { id } of [...flow.nodes].reverse()) graph.setNode(id, { ...node });
  for (const [index, edge] of [...flow.edges.entries()].reverse()) {
    if (!graph.hasNode(edge.from) || !graph.hasNode(edge.to) || edge.from === edge.to) continue;
    const [from, to] = isBack(edge) ? [edge.to, edge.from] : [edge.from, edge.to];
    graph.setEdge(from, to, { ...edge.room, labelpos: "c" }, String(index));
  }
  arrange(graph);
  const middle = (id: string) => (graph.hasNode(id) ? (graph.node(id) as Point) : undefined);
  const layers = new Set(flow.nodes.map(({ id }) => layerOf(graph.node(id) as Point, direction)));
  const ways = flow.edges.map((edge, index) => {
    const [from, to] = [middle(edge.from), middle(edge.to)];
    if (from === undefined || to === undefined) return null;
    if (edge.from === edge.to) return aroundItself(from, node, gap, direction);
    const ends = isBack(edge) ? ([edge.to, edge.from] as const) : ([edge.from, edge.to] as const);
    const { points, x, y } = graph.edge(...ends, String(index)) as { points: Point[] } & Point;
    const label = edge.room && { x, y, ...edge.room };
    return wayOf({ from, to, points: isBack(edge) ? points.toReversed() : points, layers, label }, node, direction);
  });
  const places = new Map(
    flow.nodes.map(({ id }) => {
      const { x, y } = graph.node(id) as Point;
      return [id, { x: x - node.width / 2, y: y - node.height / 2 }];
    }),
  );
  return fitted(places, ways, node);
}

function isBack({ max_rounds }: ShapeEdge): boolean {
  return typeof max_rounds === "number";
}

function layerOf(point: Point, direction: Direction): number {
  return Math.round(direction === "LR" ? point.x : point.y);
}

interface Drawn {
  /** The middles of its nodes. */
  from: Point;
  to: Point;
  /** Its corners, as they were laid between the layers. */
  points: readonly Point[];
  layers: ReadonlySet<number>;
  /** The middle and the size of its label: the way leads straight through it. */
  label: (Point & Size) | undefined;
}

/** Straight past the nodes of each layer that it passes, and curved between the layers, where no node is. */
function wayOf({ from, to, points, layers, label }: Drawn, node: Size, direction: Direction): Way {
  const turn = (point: Point): Point => (direction === "LR" ? point : { x: point.y, y: point.x });
  const { width, height } = direction === "LR" ? node : { width: node.height, height: node.width };
  const [begin, end] = [turn(from), turn(to)];
  const inner = points.slice(1, -1).map(turn);
  const ahead = end.x >= begin.x ? 1 : -1;
  const labelled = label === undefined ? null : { at: Math.round(turn(label).x), width: direction === "LR" ? label.width : label.height };
  const lanes = inner.flatMap(({ x, y }): Lane[] => {
    const of = layers.has(Math.round(x)) ? width : Math.round(x) === labelled?.at ? labelled.width : null;
    return of === null ? [] : [{ begin: x - (ahead * of) / 2, end: x + (ahead * of) / 2, at: y }];
  });
  const reach = (SIDE * height) / 2;
  const within = (at: number, ...middles: Point[]) =>
    Math.min(...middles.map(({ y }) => y + reach), Math.max(...middles.map(({ y }) => y - reach), at));
  // Straight where both sides reach it; else each end is as near as it can be to where the way leads.
  const isLevel = lanes.length === 0 && Math.abs(begin.y - end.y) <= 2 * reach;
  const at = (middle: Point, toward: number) => (isLevel ? within(toward, begin, end) : within(toward, middle));
  const between = inner[Math.floor(inner.length / 2)]?.y ?? begin.y;
  const way = throughLanes(
    { x: begin.x + (ahead * width) / 2, y: at(begin, lanes[0]?.at ?? between) },
    lanes,
    { x: end.x - (ahead * width) / 2, y: at(end, lanes.at(-1)?.at ?? between) },
  );
  return moved(way, turn);
}

/** A loop below the node, or to its right where flows run down. */
function aroundItself({ x, y }: Point, { width, height }: Size, gap: number, direction: Direction): Way {
  const out = gap * 0.6;
  if (direction === "LR") {
    const low = y + height / 2;
    const [start, to] = [{ x: x + width / 4, y: low }, { x: x - width / 4, y: low }];
    return { start, bends: [{ a: { x: start.x, y: low + out }, b: { x: to.x, y: low + out }, to }] };
  }
  const right = x + width / 2;
  const [start, to] = [{ x: right, y: y + height / 4 }, { x: right, y: y - height / 4 }];
  return { start, bends: [{ a: { x: right + out, y: start.y }, b: { x: right + out, y: to.y }, to }] };
}

/** Edges back may lead above and below every node: the picture is moved and sized so that all is in it. */
function fitted(places: Map<string, Point>, ways: readonly (Way | null)[], node: Size): Arrangement {
  const corners = [...places.values()].flatMap(({ x, y }) => [{ x, y }, { x: x + node.width, y: y + node.height }]);
  const all = [...corners, ...ways.flatMap((way) => way?.bends.flatMap(({ a, b, to }) => [a, b, to]) ?? [])];
  if (all.length === 0) return { places, ways, size: { width: 1, height: 1 } };
  const least = { x: Math.min(...all.map(({ x }) => x)) - MARGIN, y: Math.min(...all.map(({ y }) => y)) - MARGIN };
  const put = ({ x, y }: Point): Point => ({ x: x - least.x, y: y - least.y });
  return {
    places: new Map([...places].map(([id, place]) => [id, put(place)])),
    ways: ways.map((way) => way && moved(way, put)),
    size: {
      width: Math.max(...all.map(({ x }) => x)) - least.x + MARGIN,
      height: Math.max(...all.map(({ y }) => y)) - least.y + MARGIN,
    },
  };
}
