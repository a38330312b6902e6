// What React Flow is given to draw: the same objects again for all that has not changed, so that nothing else renders.
import { Position, type Edge, type Node } from "@xyflow/react";
import { edgeIds, type EdgeDoc, type FlowDoc, type NodeDoc, type Position as Place } from "../document";
import { NODE } from "../layout";
import type { Selection } from "../store";
import { PLAIN, type Line } from "./lines";

export type CanvasNode = Node<{ node: NodeDoc }, "flow">;
export type CanvasEdge = Edge<{ edge: EdgeDoc; line: Line }, "flow">;

type EdgeHow = Required<Pick<CanvasEdge, "selected" | "ariaLabel">>;
type How = Required<Pick<CanvasNode, "selected" | "focusable" | "ariaLabel">>;

const ORIGIN: Place = { x: 0, y: 0 };
const MIDDLE = NODE.height / 2;
const HANDLES: NonNullable<CanvasNode["handles"]> = [
  { type: "target", position: Position.Left, x: 0, y: MIDDLE, width: 1, height: 1 },
  { type: "source", position: Position.Right, x: NODE.width, y: MIDDLE, width: 1, height: 1 },
];

export interface Roles {
  readonly node: string;
  readonly edge: string;
}

export interface Drawing {
  readonly flow: FlowDoc;
  readonly places: ReadonlyMap<string, Place>;
  readonly selection: Selection;
  /** How each edge is drawn, in their order. */
  readonly lines: readonly Line[];
  /** The node that the Tab key comes to; the arrow keys go on from there. */
  readonly inTabOrder: string | null;
  /** What readers of the screen hear of a node. */
  readonly labelOf: (node: NodeDoc) => string;
  readonly edgeLabelOf: (edge: EdgeDoc) => string;
  /** What a node and an edge are called to them. */
  readonly roles: Roles;
}

/** Remembers what it drew last. One for each canvas. */
export class Elements {
  private nodes = new Map<string, CanvasNode>();
  private edges = new Map<string, CanvasEdge>();
  private lastNodes: CanvasNode[] = [];
  private lastEdges: CanvasEdge[] = [];

  nodesOf({ flow, places, selection, inTabOrder, labelOf, roles }: Omit<Drawing, "lines" | "edgeLabelOf">): CanvasNode[] {
    const next = flow.nodes.map((node) => {
      const how = { selected: selection.nodes.has(node.id), focusable: node.id === inTabOrder, ariaLabel: labelOf(node) };
      return this.node(node, places.get(node.id) ?? ORIGIN, how, roles.node);
    });
    this.nodes = new Map(next.map((node) => [node.id, node]));
    return (this.lastNodes = kept(this.lastNodes, next));
  }

  edgesOf({ flow, selection, lines, edgeLabelOf, roles }: Pick<Drawing, "flow" | "selection" | "lines" | "edgeLabelOf" | "roles">): CanvasEdge[] {
    const ids = edgeIds(flow.edges);
    const next = flow.edges.map((edge, index) => {
      const id = ids[index] ?? "";
      return this.edge(id, edge, lines[index] ?? PLAIN, { selected: selection.edges.has(id), ariaLabel: edgeLabelOf(edge) }, roles.edge);
    });
    this.edges = new Map(next.map((edge) => [edge.id, edge]));
    return (this.lastEdges = kept(this.lastEdges, next));
  }

  private node(node: NodeDoc, { x, y }: Place, how: How, role: string): CanvasNode {
    const known = this.nodes.get(node.id);
    const isPlaced = known?.position.x === x && known.position.y === y;
    if (known?.data.node === node && isPlaced && isSame(known, how)) return known;
    return {
      id: node.id,
      type: "flow",
      position: { x, y },
      // The size is known: nothing has to be measured before edges can be drawn.
      ...NODE,
      measured: NODE,
      handles: HANDLES,
      data: known?.data.node === node ? known.data : { node },
      ...how,
      // What has the focus keeps it when another one takes its place in the order of the Tab key.
      domAttributes: { tabIndex: how.focusable ? 0 : -1, "aria-roledescription": role },
    };
  }

  private edge(id: string, edge: EdgeDoc, line: Line, how: EdgeHow, role: string): CanvasEdge {
    const known = this.edges.get(id);
    if (known?.data?.edge === edge && isSameLine(known.data.line, line) && known.selected === how.selected && known.ariaLabel === how.ariaLabel) return known;
    return { id, type: "flow", source: edge.from, target: edge.to, data: { edge, line }, domAttributes: { "aria-roledescription": role }, ...how };
  }
}

function isSameLine(one: Line, other: Line): boolean {
  return one === other || (one.path === other.path && one.label?.x === other.label?.x && one.label?.y === other.label?.y);
}

function isSame(known: CanvasNode, how: How): boolean {
  return known.selected === how.selected && known.focusable === how.focusable && known.ariaLabel === how.ariaLabel;
}

function kept<T>(before: T[], next: T[]): T[] {
  return before.length === next.length && next.every((one, index) => one === before[index]) ? before : next;
}
