// Nodes and notes as a text that can be copied anywhere and pasted here, in this flow or another one.
import { addNode, freeId, moveNodes, takenNames, type EdgeDoc, type FlowDoc, type NodeDoc, type Position } from "./document";
import { renamedEdge, renamedNode } from "./document-names";
import { NODE } from "./layout";
import { addNotes, isNote, notesOf, type NoteDoc } from "./notes";

const MARK = "agent-lab-nodes";
const MOST_NODES = 500;
const MOST_CHARS = 2_000_000;
/** Below what it is a copy of, so that nothing of that is covered. */
const ASIDE = { x: 32, y: NODE.height + 28 };
const NOTE_ASIDE = { x: 32, y: 32 };
const MOST_STEPS = 50;

/** What was copied here last: not every browser lets a menu read what the system has. */
export const lately: { copied: string | null } = { copied: null };

export interface Fragment {
  readonly nodes: readonly NodeDoc[];
  /** Those between its own nodes. */
  readonly edges: readonly EdgeDoc[];
  readonly layout: Readonly<Record<string, Position>>;
  readonly notes: readonly NoteDoc[];
}

/** These nodes with the edges between them, and these notes. `places`: where nodes stand, also those that nobody has placed. */
export function fragmentOf(flow: FlowDoc, ids: ReadonlySet<string>, places: ReadonlyMap<string, Position>, notes: Iterable<string> = []): Fragment {
  const nodes = flow.nodes.filter(({ id }) => ids.has(id));
  const known = nodes.flatMap(({ id }) => (places.has(id) ? [[id, places.get(id)] as const] : []));
  return {
    nodes,
    edges: flow.edges.filter(({ from, to }) => ids.has(from) && ids.has(to)),
    layout: Object.fromEntries(known) as Record<string, Position>,
    notes: [...notes].flatMap((id) => notesOf(flow).get(id) ?? []),
  };
}

export function writeFragment(fragment: Fragment): string {
  return JSON.stringify({ [MARK]: 1, ...fragment }, null, 1);
}

/** The nodes and notes in a text that was copied; a whole flow document will do too. Null where it is something else. */
export function readFragment(text: string): Fragment | null {
  if (text.length > MOST_CHARS || !text.trimStart().startsWith("{")) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value) || !Array.isArray(value["nodes"])) return null;
  const nodes = value["nodes"].filter(isNode).slice(0, MOST_NODES);
  const ids = new Set(nodes.map(({ id }) => id));
  const notes = Object.values(isObject(value["notes"]) || Array.isArray(value["notes"]) ? value["notes"] : []).filter(isNote);
  if (nodes.length + notes.length === 0 || ids.size < nodes.length) return null;
  const edges = (Array.isArray(value["edges"]) ? value["edges"] : []).filter(isEdge);
  const layout = isObject(value["layout"]) ? Object.entries(value["layout"]) : [];
  return {
    nodes,
    edges: edges.filter(({ from, to }) => ids.has(from) && ids.has(to)),
    layout: Object.fromEntries(layout.filter(([id, at]) => ids.has(id) && isPosition(at))) as Record<string, Position>,
    notes,
  };
}

export interface Pasted {
  readonly flow: FlowDoc;
  readonly ids: readonly string[];
  readonly notes: readonly string[];
  /** How many of its notes were left out: a flow has no more of them than it may. */
  readonly left: number;
}

/** The flow with the fragment in it under names that are free. `at`: its upper left corner; else a little aside. */
export function paste(flow: FlowDoc, fragment: Fragment, at?: Position): Pasted {
  const taken = takenNames(flow);
  const names = new Map<string, string>();
  for (const { id } of fragment.nodes) {
    const free = freeId(taken, id);
    taken.add(free);
    names.set(id, free);
  }
  const shift = shiftOf(flow, fragment, at);
  let pasted = flow;
  for (const node of fragment.nodes) pasted = addNode(pasted, renamedNode(node, names));
  const places = Object.entries(fragment.layout).map(([id, place]) => [names.get(id) ?? id, added(place, shift)] as const);
  if (places.length > 0) pasted = moveNodes(pasted, Object.fromEntries(places));
  const edges = fragment.edges.map((edge) => renamedEdge(edge, names));
  if (edges.length > 0) pasted = { ...pasted, edges: [...pasted.edges, ...edges] };
  const noted = addNotes(pasted, fragment.notes.map((note) => ({ ...note, ...added(note, shift) })));
  return { flow: noted.flow, ids: [...names.values()], notes: noted.ids, left: fragment.notes.length - noted.ids.length };
}

function shiftOf(flow: FlowDoc, { layout, notes }: Fragment, at: Position | undefined): Position {
  const nodes = Object.values(layout);
  const places = [...nodes, ...notes];
  if (places.length === 0) return ASIDE;
  if (at !== undefined) return { x: at.x - Math.min(...places.map(({ x }) => x)), y: at.y - Math.min(...places.map(({ y }) => y)) };
  if (nodes.length === 0) return freeShift(NOTE_ASIDE, (shift) => areApart(notes, [...notesOf(flow).values()], shift, isAt));
  return freeShift(ASIDE, (shift) => areApart(nodes, [...nodes, ...Object.values(flow.layout ?? {})], shift, isUpon));
}

/** As many steps aside as it takes: who pastes twice sees both. */
function freeShift(aside: Position, isFree: (shift: Position) => boolean): Position {
  const steps = Array.from({ length: MOST_STEPS }, (_, index) => ({ x: aside.x * (index + 1), y: aside.y * (index + 1) }));
  return steps.find(isFree) ?? aside;
}

function areApart(places: readonly Position[], taken: readonly Position[], shift: Position, hides: (one: Position, other: Position) => boolean): boolean {
  return places.every((place) => taken.every((other) => !hides(added(place, shift), other)));
}

function isAt(one: Position, other: Position): boolean {
  return one.x === other.x && one.y === other.y;
}

function isUpon(one: Position, other: Position): boolean {
  return Math.abs(one.x - other.x) < NODE.width && Math.abs(one.y - other.y) < NODE.height;
}

function added(one: Position, other: Position): Position {
  return { x: one.x + other.x, y: one.y + other.y };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNode(value: unknown): value is NodeDoc {
  return isObject(value) && typeof value["id"] === "string" && typeof value["kind"] === "string";
}

function isEdge(value: unknown): value is EdgeDoc {
  return isObject(value) && typeof value["from"] === "string" && typeof value["to"] === "string";
}

function isPosition(value: unknown): value is Position {
  return isObject(value) && Number.isFinite(value["x"]) && Number.isFinite(value["y"]);
}
