// What can be done with the nodes on the canvas, by whatever key, button or menu it is asked for.
import { fragmentOf, lately, paste, readFragment, writeFragment, type Fragment } from "./clipboard";
import {
  addNode,
  connect,
  edgeIds,
  edgeOf,
  insertInto,
  moveNodes,
  nodeOf,
  removeEdges,
  removeNodes,
  takesNode,
  type FlowDoc,
  type Position,
} from "./document";
import { freePlace, nearest, NODE, placeBetween, placeFor, placesOf, tidyPlaces } from "./layout";
import { newNode } from "./palette/starters";
import { flowNow, type Builder } from "./store";

export type Way = "left" | "right" | "up" | "down";

const STEP = 16;
const STEPS: Record<Way, Position> = { left: { x: -STEP, y: 0 }, right: { x: STEP, y: 0 }, up: { x: 0, y: -STEP }, down: { x: 0, y: STEP } };

export interface Added {
  readonly kind: string;
  /** The node that it shall follow; null for none. */
  readonly after: string | null;
  /** Where it is put; else beside the one that it follows. */
  readonly at?: Position;
}

/** Put a new node onto the canvas and select it. Answers its id. */
export function add(builder: Builder, { kind, after, at }: Added): string {
  let id = "";
  builder.getState().edit((flow) => {
    const node = newNode(flow, kind, after);
    id = node.id;
    const places = placesOf(flow);
    const place = at === undefined ? placeFor(places, after) : freePlace(places.values(), at);
    const grown = addNode(pinned(flow), node, place);
    return after === null ? grown : connect(grown, after, id);
  });
  if (id !== "") builder.getState().show(id);
  return id;
}

/** Put a new node in the middle of an edge and select it: what the edge depended on leads to the new node. Answers its id; none for
 * an edge that takes no node. */
export function insert(builder: Builder, kind: string, edgeId: string): string {
  let id = "";
  builder.getState().edit((flow) => {
    const edge = edgeOf(flow, edgeId);
    if (edge === undefined || !takesNode(edge)) return flow;
    const node = newNode(flow, kind, edge.from);
    id = node.id;
    const { at, moved } = placeBetween(placesOf(flow), edge.from, edge.to);
    return insertInto(addNode(moveNodes(pinned(flow), Object.fromEntries(moved)), node, at), edgeId, id);
  });
  if (id !== "") builder.getState().show(id);
  return id;
}

/** The flow with a place for every node, so that a new one moves none of the others. */
function pinned(flow: FlowDoc): FlowDoc {
  const layout = flow.layout ?? {};
  const missing = [...placesOf(flow)].filter(([id]) => !(id in layout));
  return missing.length === 0 ? flow : moveNodes(flow, Object.fromEntries(missing));
}

/** Put nodes where they were dragged to. */
export function moveTo(builder: Builder, places: ReadonlyMap<string, Position>): void {
  builder.getState().edit((flow) => moveNodes(pinned(flow), Object.fromEntries(places)));
}

/** Take away what is selected; the node before it is selected then, so that a keyboard has somewhere to go on from. */
export function removeSelected(builder: Builder): void {
  const { selection, edit, select } = builder.getState();
  const flow = flowNow(builder.getState());
  const [first] = selection.nodes;
  const before = flow.edges.find(({ from, to }) => to === first && !selection.nodes.has(from))?.from;
  edit((now) => removeNodes(removeEdges(now, selection.edges), selection.nodes));
  const left = flowNow(builder.getState()).nodes;
  const next = before ?? left[0]?.id;
  if (selection.nodes.size > 0 && next !== undefined) select([next]);
}

export function copySelected(builder: Builder): string | null {
  const state = builder.getState();
  if (state.selection.nodes.size === 0) return null;
  const flow = flowNow(state);
  lately.copied = writeFragment(fragmentOf(flow, state.selection.nodes, placesOf(flow)));
  return lately.copied;
}

/** Put what was copied onto the canvas; false where the text holds no nodes. */
export function pasteText(builder: Builder, text: string, at?: Position): boolean {
  const fragment = readFragment(text);
  if (fragment === null || builder.getState().isReadOnly) return false;
  pasteFragment(builder, fragment, at);
  return true;
}

export function duplicateSelected(builder: Builder): void {
  const { selection } = builder.getState();
  const flow = flowNow(builder.getState());
  if (selection.nodes.size > 0) pasteFragment(builder, fragmentOf(flow, selection.nodes, placesOf(flow)));
}

function pasteFragment(builder: Builder, fragment: Fragment, at?: Position): void {
  let ids: readonly string[] = [];
  builder.getState().edit((flow) => {
    const pasted = paste(pinned(flow), fragment, at);
    ids = pasted.ids;
    return pasted.flow;
  });
  const [first] = ids;
  if (first === undefined) return;
  builder.getState().show(first);
  builder.getState().select(ids);
}

export function selectAll(builder: Builder): void {
  const flow = flowNow(builder.getState());
  builder.getState().select(
    flow.nodes.map(({ id }) => id),
    edgeIds(flow.edges),
  );
}

/** Move what is selected by a step. */
export function moveSelected(builder: Builder, way: Way): void {
  const { selection, edit } = builder.getState();
  if (selection.nodes.size === 0) return;
  edit((flow) => {
    const places = placesOf(flow);
    const moved = [...selection.nodes].flatMap((id) => {
      const at = places.get(id);
      return at === undefined ? [] : [[id, { x: at.x + STEPS[way].x, y: at.y + STEPS[way].y }] as const];
    });
    return moveNodes(pinned(flow), Object.fromEntries(moved));
  }, `move/${[...selection.nodes].join(" ")}`);
}

/** Go on to the node that lies in a direction; from an edge to the node at its beginning or at its end. */
export function go(builder: Builder, way: Way): void {
  const state = builder.getState();
  const flow = flowNow(state);
  const from = [...state.selection.nodes].at(-1);
  const edge = from === undefined ? edgeOf(flow, [...state.selection.edges].at(-1) ?? "") : undefined;
  if (edge !== undefined) return state.show(way === "left" || way === "up" ? edge.from : edge.to);
  if (from === undefined || nodeOf(flow, from) === undefined) {
    const [first] = flow.nodes;
    if (first !== undefined) state.show(first.id);
    return;
  }
  const next = nearest(placesOf(flow), from, way);
  if (next !== null) state.show(next);
}

/** Put every node into layers, from left to right. */
export function tidy(builder: Builder): void {
  builder.getState().edit((flow) => moveNodes(flow, Object.fromEntries(tidyPlaces(flow))));
}

/** Where a node stands whose middle is to be at a point. */
export function centred({ x, y }: Position): Position {
  return { x: x - NODE.width / 2, y: y - NODE.height / 2 };
}
