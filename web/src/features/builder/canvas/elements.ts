// What React Flow is given to draw: the same objects again for all that has not changed, so that nothing else renders.
import { Position, type Edge, type Node } from "@xyflow/react";
import { edgeIds, type EdgeDoc, type FlowDoc, type NodeDoc, type Position as Place } from "../document";
import { NODE } from "../layout";
import { keyOfNote, notesOf, type Note } from "../notes";
import type { Selection } from "../store";
import { PLAIN, type Line } from "./lines";

export type StepNode = Node<{ node: NodeDoc }, "flow">;
export type NoteNode = Node<{ note: Note }, "note">;
export type CanvasNode = StepNode | NoteNode;
export type CanvasEdge = Edge<{ edge: EdgeDoc; line: Line }, "flow">;

type EdgeHow = Required<Pick<CanvasEdge, "selected" | "ariaLabel">>;
type How = Required<Pick<StepNode, "selected" | "focusable" | "ariaLabel">>;

const ORIGIN: Place = { x: 0, y: 0 };
const MIDDLE = NODE.height / 2;
const HANDLES: NonNullable<StepNode["handles"]> = [
  { type: "target", position: Position.Left, x: 0, y: MIDDLE, width: 1, height: 1 },
  { type: "source", position: Position.Right, x: NODE.width, y: MIDDLE, width: 1, height: 1 },
];

export interface Roles {
  readonly node: string;
  readonly edge: string;
  readonly note: string;
}

/** Where something is drawn, and how large. */
export interface Box extends Place {
  readonly width: number;
  readonly height: number;
}

export interface Drawing {
  readonly flow: FlowDoc;
  readonly places: ReadonlyMap<string, Place>;
  /** Of notes by their keys, while they are dragged or drawn larger. */
  readonly boxes: ReadonlyMap<string, Partial<Box>>;
  readonly selection: Selection;
  /** How each edge is drawn, in their order. */
  readonly lines: readonly Line[];
  /** The node, or the note by its key, that the Tab key comes to; the arrow keys go on from there. */
  readonly inTabOrder: string | null;
  /** What readers of the screen hear of a node or a note. */
  readonly labelOf: (one: NodeDoc | Note) => string;
  readonly edgeLabelOf: (edge: EdgeDoc) => string;
  /** What a node and an edge are called to them. */
  readonly roles: Roles;
}

/** Remembers what it drew last. One for each canvas. */
export class Elements {
  private nodes = new Map<string, StepNode>();
  private notes = new Map<string, NoteNode>();
  private edges = new Map<string, CanvasEdge>();
  private lastNodes: CanvasNode[] = [];
  private lastEdges: CanvasEdge[] = [];

  /** Notes first: they lie below the nodes. */
  nodesOf({ flow, places, boxes, selection, inTabOrder, labelOf, roles }: Omit<Drawing, "lines" | "edgeLabelOf">): CanvasNode[] {
    const notes = [...notesOf(flow)].map(([id, note]) => {
      const key = keyOfNote(id);
      const how = { selected: selection.notes.has(id), focusable: key === inTabOrder, ariaLabel: labelOf(note) };
      return this.note(key, note, boxes.get(key), how, roles.note);
    });
    this.notes = new Map(notes.map((note) => [note.id, note]));
    const next = flow.nodes.map((node) => {
      const how = { selected: selection.nodes.has(node.id), focusable: node.id === inTabOrder, ariaLabel: labelOf(node) };
      return this.node(node, places.get(node.id) ?? ORIGIN, how, roles.node);
    });
    this.nodes = new Map(next.map((node) => [node.id, node]));
    return (this.lastNodes = kept<CanvasNode>(this.lastNodes, [...notes, ...next]));
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

  private note(key: string, note: Note, held: Partial<Box> | undefined, how: How, role: string): NoteNode {
    const { x, y, width, height } = { ...note, ...held };
    const known = this.notes.get(key);
    const isPlaced = known?.position.x === x && known.position.y === y && known.width === width && known.height === height;
    if (known?.data.note === note && isPlaced && isSame(known, how)) return known;
    const data = known?.data.note === note ? known.data : { note };
    return { id: key, type: "note", position: { x, y }, width, height, measured: { width, height }, connectable: false, data, ...how, domAttributes: { tabIndex: how.focusable ? 0 : -1, "aria-roledescription": role } };
  }

  private node(node: NodeDoc, { x, y }: Place, how: How, role: string): StepNode {
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

function isSame(known: Partial<How>, how: How): boolean {
  return known.selected === how.selected && known.focusable === how.focusable && known.ariaLabel === how.ariaLabel;
}

function kept<T>(before: T[], next: T[]): T[] {
  return before.length === next.length && next.every((one, index) => one === before[index]) ? before : next;
}
