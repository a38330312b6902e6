// Where the nodes of a flow stand in its picture beside the transcript, and which way it runs.
import { placedLabels } from "@/shared/flow/labels";
import { arranged, type Arrangement, type Direction, type Shape } from "@/shared/flow/layout";
import type { Point } from "@/shared/flow/path";

export const NODE = { width: 146, height: 46 };
/** What is written at an edge: how often it was taken. */
export const COUNT = { width: 26, height: 16 };
const GAP = 34;
/** Below this nobody can read the names: the picture is scrolled instead. */
export const SMALLEST = 0.66;

export interface Picture extends Arrangement {
  /** The middle of what is written at each edge. */
  readonly counts: readonly (Point | null)[];
  readonly direction: Direction;
  /** From the picture's own units to pixels. */
  readonly scale: number;
}

/** Runs from left to right or from top to bottom, whichever shows more at that width. */
export function pictured(flow: Shape, width: number): Picture {
  const [down, across] = [drawn(flow, "TB", width), drawn(flow, "LR", width)];
  const overhang = (way: Picture) => Math.max(0, way.size.width * way.scale - width);
  if (overhang(down) !== overhang(across)) return overhang(down) < overhang(across) ? down : across;
  if (down.scale !== across.scale) return down.scale > across.scale ? down : across;
  return down.size.height <= across.size.height ? down : across;
}

function drawn(flow: Shape, direction: Direction, width: number): Picture {
  const { places, ways, size } = arranged({ nodes: flow.nodes, edges: roomy(flow.edges) }, NODE, direction, GAP);
  const scale = Math.max(SMALLEST, Math.min(1, width / size.width));
  return { places, ways, size, counts: countsOf(ways, places), direction, scale };
}

/** Edges that lie side by side with one back are told apart by what is written at them. */
function roomy(edges: Shape["edges"]): Shape["edges"] {
  const back = new Set(edges.filter(({ max_rounds }) => typeof max_rounds === "number").flatMap(({ from, to }) => [`${from} ${to}`, `${to} ${from}`]));
  return edges.map((edge) => (back.has(`${edge.from} ${edge.to}`) ? { ...edge, room: COUNT } : edge));
}

function countsOf(ways: Picture["ways"], places: Picture["places"]): readonly (Point | null)[] {
  const shown = ways.filter((way) => way !== null).map((way) => ({ way, size: COUNT }));
  const found = placedLabels(shown, [...places.values()].map((place) => ({ ...place, ...NODE })));
  let next = 0;
  return ways.map((way) => (way === null ? null : (found[next++] ?? null)));
}
