// What can be done with the nodes on the canvas, by whatever key, button or menu it is asked for.
import { fragmentOf, lately, paste, readFragment, writeFragment, type Fragment } from "./clipboard";
import {
  addNode,
  connect,
  edgeIds,
  edgeOf,
  insertInto,
  moveNodes,
  removeEdges,
  removeNodes,
  takesNode,
  type FlowDoc,
  type Position,
} from "./document";
import { freePlace, nearest, NODE, placeBetween, placeFor, placesOf, tidyPlaces } from "./layout";
import { addNotes, changeNote, following, freeSpot, keyOfNote, moveNotes, NOTE, noteOfKey, notesOf, removeNotes, type Note } from "./notes";
import { newNode } from "./palette/starters";
import { flowNow, selectedCount, type Builder } from "./store";

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

/** Put nodes, and notes by their keys, where they were dragged to. */
export function moveTo(builder: Builder, places: ReadonlyMap<string, Position>): void {
  builder.getState().edit((flow) => movedTo(flow, places));
}

function movedTo(flow: FlowDoc, places: ReadonlyMap<string, Position>): FlowDoc {
  const nodes = [...places].filter(([key]) => noteOfKey(key) === null);
  const notes = [...places].flatMap(([key, at]) => [noteOfKey(key)].flatMap((id) => (id === null ? [] : [[id, at] as const])));
  const moved = moveNotes(flow, new Map(notes));
  return nodes.length === 0 ? moved : moveNodes(pinned(moved), Object.fromEntries(nodes));
}

/** Draw notes, by their keys, as large as they were made. */
export function resizeTo(builder: Builder, boxes: ReadonlyMap<string, Partial<Note>>): void {
  builder.getState().edit((flow) => [...boxes].reduce((now, [key, box]) => changeNote(now, noteOfKey(key) ?? "", box), flow));
}

/** Put a new note onto the canvas, and select it: with its middle at a point, or where there is room above or below. Null where a
 * flow may have no more of them. */
export function addNote(builder: Builder, { x, y }: Position): string | null {
  let ids: readonly string[] = [];
  builder.getState().edit((flow) => {
    const nodes = [...placesOf(flow).values()].map((place) => ({ ...place, ...NODE }));
    const at = freeSpot(flow, nodes, { x: x - NOTE.width / 2, y: y - NOTE.height / 2 });
    const grown = addNotes(flow, [{ ...NOTE, ...at }]);
    ids = grown.ids;
    return grown.flow;
  });
  const [id] = ids;
  if (id !== undefined) builder.getState().show(keyOfNote(id));
  return id ?? null;
}

/** Take away what is selected; the node before it is selected then, so that a keyboard has somewhere to go on from. */
export function removeSelected(builder: Builder): void {
  const { selection, edit, select } = builder.getState();
  const flow = flowNow(builder.getState());
  const [first] = selection.nodes;
  const before = flow.edges.find(({ from, to }) => to === first && !selection.nodes.has(from))?.from;
  edit((now) => removeNotes(removeNodes(removeEdges(now, selection.edges), selection.nodes), selection.notes));
  const left = flowNow(builder.getState()).nodes;
  const next = before ?? left[0]?.id;
  if (selection.nodes.size > 0 && next !== undefined) select([next]);
}

export function copySelected(builder: Builder): string | null {
  const state = builder.getState();
  if (selectedCount(state) === 0) return null;
  const flow = flowNow(state);
  lately.copied = writeFragment(fragmentOf(flow, state.selection.nodes, placesOf(flow), state.selection.notes));
  return lately.copied;
}

/** Put what was copied onto the canvas. Answers how many of its notes were left out, because a flow may have no more of them; null
 * where the text holds neither nodes nor notes. */
export function pasteText(builder: Builder, text: string, at?: Position): number | null {
  const fragment = readFragment(text);
  return fragment === null || builder.getState().isReadOnly ? null : pasteFragment(builder, fragment, at);
}

/** Answers how many notes were left out. */
export function duplicateSelected(builder: Builder): number {
  const { selection } = builder.getState();
  const flow = flowNow(builder.getState());
  if (selectedCount(builder.getState()) === 0) return 0;
  return pasteFragment(builder, fragmentOf(flow, selection.nodes, placesOf(flow), selection.notes));
}

function pasteFragment(builder: Builder, fragment: Fragment, at?: Position): number {
  let [ids, notes]: (readonly string[])[] = [];
  let left = 0;
  builder.getState().edit((flow) => {
    const pasted = paste(fragment.nodes.length === 0 ? flow : pinned(flow), fragment, at);
    [ids, notes, left] = [pasted.ids, pasted.notes, pasted.left];
    return pasted.flow;
  });
  const [first] = [...(ids ?? []), ...(notes ?? []).map(keyOfNote)];
  if (first === undefined) return left;
  builder.getState().show(first);
  builder.getState().select(ids ?? [], [], notes);
  return left;
}

export function selectAll(builder: Builder): void {
  const flow = flowNow(builder.getState());
  builder.getState().select(
    flow.nodes.map(({ id }) => id),
    edgeIds(flow.edges),
    notesOf(flow).keys(),
  );
}

/** Move what is selected by a step. */
export function moveSelected(builder: Builder, way: Way): void {
  const { selection, edit } = builder.getState();
  const keys = [...selection.nodes, ...[...selection.notes].map(keyOfNote)];
  if (keys.length === 0) return;
  edit((flow) => {
    const places = standing(flow);
    const moved = keys.flatMap((key) => {
      const at = places.get(key);
      return at === undefined ? [] : [[key, { x: at.x + STEPS[way].x, y: at.y + STEPS[way].y }] as const];
    });
    return movedTo(flow, new Map(moved));
  }, `move/${keys.join(" ")}`);
}

/** Where everything stands: nodes by their names, notes by their keys. */
function standing(flow: FlowDoc): ReadonlyMap<string, Position> {
  return new Map<string, Position>([...placesOf(flow), ...[...notesOf(flow)].map(([id, note]) => [keyOfNote(id), note] as const)]);
}

/** Go on to the node or note that lies in a direction; from an edge to the node at its beginning or at its end. */
export function go(builder: Builder, way: Way): void {
  const state = builder.getState();
  const flow = flowNow(state);
  const from = [...state.selection.nodes, ...[...state.selection.notes].map(keyOfNote)].at(-1);
  const places = standing(flow);
  const edge = from === undefined ? edgeOf(flow, [...state.selection.edges].at(-1) ?? "") : undefined;
  if (edge !== undefined) return state.show(way === "left" || way === "up" ? edge.from : edge.to);
  if (from === undefined || !places.has(from)) {
    const first = flow.nodes[0]?.id ?? [...places.keys()][0];
    if (first !== undefined) state.show(first);
    return;
  }
  const next = nearest(places, from, way);
  if (next !== null) state.show(next);
}

/** Put every node into layers, from left to right. Each note goes with the node that it is nearest to. */
export function tidy(builder: Builder): void {
  builder.getState().edit((flow) => {
    const places = tidyPlaces(flow);
    return moveNodes(moveNotes(flow, following(flow, placesOf(flow), places)), Object.fromEntries(places));
  });
}

/** Where a node stands whose middle is to be at a point. */
export function centred({ x, y }: Position): Position {
  return { x: x - NODE.width / 2, y: y - NODE.height / 2 };
}
