// What React Flow is given to draw: the same objects again for all that has not changed, so that nothing else renders.
import { Position, type Edge, type Node } from "@xyflow/react";
import { edgeIds, type EdgeDoc, type FlowDoc, type NodeDoc, type Position as Place } from "../document";
import { NODE } from "../layout";
import type { Selection } from "../store";

export type CanvasNode = Node<{ node: NodeDoc }, "flow">;
export type CanvasEdge = Edge<{ edge: EdgeDoc }, "flow">;

const MIDDLE = NODE.height / 2;
const HANDLES: NonNullable<CanvasNode["handles"]> = [
  { type: "target", position: Position.Left, x: 0, y: MIDDLE, width: 1, height: 1 },
  { type: "source", position: Position.Right, x: NODE.width, y: MIDDLE, width: 1, height: 1 },
];

export interface Drawing {
  readonly flow: FlowDoc;
  readonly places: ReadonlyMap<string, Place>;
  readonly selection: Selection;
  /** The node that the Tab key comes to; the arrow keys go on from there. */
  readonly inTabOrder: string | null;
}

/** Remembers what it drew last. One for each canvas. */
export class Elements {
  private nodes = new Map<string, CanvasNode>();
  private edges = new Map<string, CanvasEdge>();
  private lastNodes: CanvasNode[] = [];
  private lastEdges: CanvasEdge[] = [];

  nodesOf({ flow, places, selection, inTabOrder }: Drawing): CanvasNode[] {
    const next = flow.nodes.map((node) => this.node(node, places.get(node.id), selection.nodes.has(node.id), node.id === inTabOrder));
    this.nodes = new Map(next.map((node) => [node.id, node]));
    return (this.lastNodes = kept(this.lastNodes, next));
  }

  edgesOf({ flow, selection }: Drawing): CanvasEdge[] {
    const ids = edgeIds(flow.edges);
    const next = flow.edges.map((edge, index) => this.edge(ids[index] ?? "", edge, selection.edges.has(ids[index] ?? "")));
    this.edges = new Map(next.map((edge) => [edge.id, edge]));
    return (this.lastEdges = kept(this.lastEdges, next));
  }

  private node(node: NodeDoc, place: Place | undefined, selected: boolean, focusable: boolean): CanvasNode {
    const known = this.nodes.get(node.id);
    const position = place ?? { x: 0, y: 0 };
    const isSame =
      known?.data.node === node &&
      known.selected === selected &&
      known.focusable === focusable &&
      known.position.x === position.x &&
      known.position.y === position.y;
    if (isSame) return known;
    return {
      id: node.id,
      type: "flow",
      position: { x: position.x, y: position.y },
      // The size is known: nothing has to be measured before edges can be drawn.
      ...NODE,
      measured: NODE,
      handles: HANDLES,
      data: known?.data.node === node ? known.data : { node },
      selected,
      focusable,
    };
  }

  private edge(id: string, edge: EdgeDoc, selected: boolean): CanvasEdge {
    const known = this.edges.get(id);
    if (known?.data?.edge === edge && known.selected === selected) return known;
    return { id, type: "flow", source: edge.from, target: edge.to, data: { edge }, selected };
  }
}

function kept<T>(before: T[], next: T[]): T[] {
  return before.length === next.length && next.every((one, index) => one === before[index]) ? before : next;
}
