// How each edge of the canvas is drawn, and where its label stands.
import { placedLabels } from "@/shared/flow/labels";
import { pathOf, type Point } from "@/shared/flow/path";
import type { EdgeDoc, Position } from "../document";
import { labelSize, NODE } from "../layout";
import { endsOf, plainWay, routes } from "./routes";

/** How an edge is drawn. */
export interface Line {
  /** Null: plainly, wherever its ends are. */
  readonly path: string | null;
  /** The middle of its label; null where it has none. */
  readonly label: Point | null;
}

/** Clear of two nodes that stand closer to each other than a label is wide: below them first, for edges back run above. */
const ASIDE = [NODE.height / 2 + 18, -NODE.height / 2 - 18];

/** Of each edge, in their order. */
export function linesOf(edges: readonly EdgeDoc[], places: ReadonlyMap<string, Position>): readonly Line[] {
  const ways = routes(edges, places);
  const labels = edges.flatMap((edge, index) => {
    const [size, from, to] = [labelSize(edge), places.get(edge.from), places.get(edge.to)];
    if (size === undefined || from === undefined || to === undefined) return [];
    return [{ index, size, way: ways[index] ?? plainWay(endsOf(from, to)) }];
  });
  const found = placedLabels(labels, labels.length === 0 ? [] : [...places.values()].map((place) => ({ ...place, ...NODE })), ASIDE);
  const at = new Map(labels.map(({ index }, place) => [index, found[place] ?? null]));
  return ways.map((way, index) => ({ path: way && pathOf(way), label: at.get(index) ?? null }));
}

export const PLAIN: Line = { path: null, label: null };

/** While nodes are dragged their edges follow them plainly; they find their way when the nodes are let go. */
export function whileDragged(lines: readonly Line[], edges: readonly EdgeDoc[], dragged: ReadonlyMap<string, unknown>): readonly Line[] {
  const isDragged = ({ from, to }: EdgeDoc) => dragged.has(from) || dragged.has(to);
  return edges.map((edge, index) => (isDragged(edge) ? PLAIN : (lines[index] ?? PLAIN)));
}
