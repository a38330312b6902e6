// Where the nodes of a flow stand in its picture beside the transcript, and which way it runs.
import { arranged, type Arrangement, type Direction, type Shape } from "@/shared/flow/layout";

export const NODE = { width: 146, height: 46 };
const GAP = 34;
/** Below this nobody can read the names: the picture is scrolled instead. */
const SMALLEST = 0.72;

export interface Picture extends Arrangement {
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
  // Nodes beside each other come out last first: so that the first one stands first, the last goes in first.
  const shape = { nodes: [...flow.nodes].reverse(), edges: [...flow.edges].reverse() };
  const arrangement = arranged(shape, NODE, direction, GAP);
  const scale = Math.max(SMALLEST, Math.min(1, width / arrangement.size.width));
  return { ...arrangement, lines: [...arrangement.lines].reverse(), direction, scale };
}

/** The middle of an edge's line, for what is written at it. */
export function middleOf(line: readonly { x: number; y: number }[]): { x: number; y: number } {
  const at = (line.length - 1) / 2;
  const one = line[Math.floor(at)];
  const other = line[Math.ceil(at)];
  if (one === undefined || other === undefined) return { x: 0, y: 0 };
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}
