// Where the nodes of a flow stand when nobody has placed them: in layers, from left to right or from top to bottom.
import { Graph, layout as arrange } from "@dagrejs/dagre";
import type { Point } from "./path";

export interface Size {
  width: number;
  height: number;
}

export interface Shape {
  nodes: readonly { id: string }[];
  /** `room`: what an edge's label takes. */
  edges: readonly { from: string; to: string; room?: Size | undefined }[];
}

export interface Arrangement {
  /** The upper left corner of each node. */
  places: ReadonlyMap<string, Point>;
  /** The corners of each edge's line, in the order of the flow's edges. */
  lines: readonly (readonly Point[])[];
  size: Size;
}

export type Direction = "LR" | "TB";

/** `node`: the size of every node; `gap`: between two layers. Edges to nodes that are not there have no line. */
export function arranged(flow: Shape, node: Size, direction: Direction = "LR", gap = 48): Arrangement {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: gap / 2, edgesep: gap / 2, ranksep: gap, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of flow.nodes) graph.setNode(id, { ...node });
  const drawn = flow.edges.map(({ from, to }) => from !== to && graph.hasNode(from) && graph.hasNode(to));
  flow.edges.forEach(({ from, to, room }, index) => drawn[index] && graph.setEdge(from, to, { ...room, labelpos: "c" }, String(index)));
  arrange(graph);
  const places = new Map(
    flow.nodes.map(({ id }) => {
      const { x, y } = graph.node(id) as Point;
      return [id, { x: x - node.width / 2, y: y - node.height / 2 }];
    }),
  );
  const lines = flow.edges.map(({ from, to }, index) =>
    drawn[index] ? (graph.edge(from, to, String(index)) as { points: Point[] }).points : [],
  );
  return fitted(places, lines, node);
}

const MARGIN = 4;

/** Lines of edges back may lead above and below every node: the picture is moved and sized so that all is in it. */
function fitted(places: Map<string, Point>, lines: readonly (readonly Point[])[], node: Size): Arrangement {
  const corners = [...places.values()].flatMap(({ x, y }) => [{ x, y }, { x: x + node.width, y: y + node.height }]);
  const all = [...corners, ...lines.flat()];
  if (all.length === 0) return { places, lines, size: { width: 1, height: 1 } };
  const least = { x: Math.min(...all.map(({ x }) => x)) - MARGIN, y: Math.min(...all.map(({ y }) => y)) - MARGIN };
  const moved = ({ x, y }: Point): Point => ({ x: x - least.x, y: y - least.y });
  return {
    places: new Map([...places].map(([id, place]) => [id, moved(place)])),
    lines: lines.map((line) => line.map(moved)),
    size: {
      width: Math.max(...all.map(({ x }) => x)) - least.x + MARGIN,
      height: Math.max(...all.map(({ y }) => y)) - least.y + MARGIN,
    },
  };
}
