// The notes on a flow's canvas: what people write beside the nodes. Each edit is a pure function, as those of the document are.
import { bounded, freeId, type Change, type FlowDoc, type Position } from "./document";

export const NOTE_TONES = ["plain", "accent", "warn"] as const;
export type NoteTone = (typeof NOTE_TONES)[number];

/** As documents have it: what is left out is as it is in `NOTE`. */
export type NoteDoc = Position & Partial<Omit<Note, keyof Position>>;

export interface Note extends Position {
  readonly text: string;
  readonly width: number;
  readonly height: number;
  readonly tone: NoteTone;
}

/** A new one. */
export const NOTE = { text: "", width: 240, height: 160, tone: "plain" } as const;
/** What the server takes. */
export const NOTE_BOUNDS = { width: { min: 80, max: 4_000 }, height: { min: 48, max: 4_000 }, chars: 10_000, count: 200 };
const MARK = "note:";

/** What a note is called among nodes: no node can have that name. */
export function keyOfNote(id: string): string {
  return MARK + id;
}

/** The note of such a key; null for that of a node. */
export function noteOfKey(key: string): string | null {
  return key.startsWith(MARK) ? key.slice(MARK.length) : null;
}

const READ = new WeakMap<object, ReadonlyMap<string, Note>>();
const NONE: ReadonlyMap<string, Note> = new Map();

/** All that can be drawn: the same objects for as long as the document has the same ones. */
export function notesOf({ notes }: FlowDoc): ReadonlyMap<string, Note> {
  if (typeof notes !== "object" || notes === null) return NONE;
  const known = READ.get(notes);
  if (known !== undefined) return known;
  const read = new Map(Object.entries(notes).flatMap(([id, note]) => (isNote(note) ? [[id, whole(note)] as const] : [])));
  READ.set(notes, read);
  return read;
}

const WHOLE = new WeakMap<object, Note>();

function whole(note: NoteDoc): Note {
  const known = WHOLE.get(note) ?? { ...NOTE, ...note, tone: NOTE_TONES.find((tone) => tone === note.tone) ?? NOTE.tone };
  WHOLE.set(note, known);
  return known;
}

export function isNote(value: unknown): value is NoteDoc {
  if (typeof value !== "object" || value === null) return false;
  const { x, y, text = "", width = NOTE.width, height = NOTE.height } = value as Record<string, unknown>;
  return [x, y, width, height].every(Number.isFinite) && typeof text === "string";
}

/** The flow with these notes under names that are free, and the names. No more than a flow may have, and nothing in them that it
 * would not take: they may come out of any text. */
export function addNotes(flow: FlowDoc, notes: Iterable<NoteDoc>): { flow: FlowDoc; ids: readonly string[] } {
  const grown: Record<string, NoteDoc> = { ...flow.notes };
  const ids: string[] = [];
  for (const note of notes) {
    if (Object.keys(grown).length >= NOTE_BOUNDS.count) break;
    const id = freeId(new Set(Object.keys(grown)), "note");
    grown[id] = fitting(note);
    ids.push(id);
  }
  return { flow: ids.length === 0 ? flow : { ...flow, notes: grown }, ids };
}

export function changeNote(flow: FlowDoc, id: string, change: Change<Note>): FlowDoc {
  const note = flow.notes?.[id];
  return note === undefined ? flow : { ...flow, notes: { ...flow.notes, [id]: placed({ ...note, ...change } as NoteDoc) } };
}

export function removeNotes(flow: FlowDoc, ids: ReadonlySet<string>): FlowDoc {
  if (ids.size === 0 || flow.notes === undefined) return flow;
  const { notes, ...rest } = flow;
  const left = Object.entries(notes).filter(([id]) => !ids.has(id));
  return left.length === 0 ? rest : { ...rest, notes: Object.fromEntries(left) };
}

/** Each to its place. */
export function moveNotes(flow: FlowDoc, to: ReadonlyMap<string, Position>): FlowDoc {
  let moved = flow;
  for (const [id, { x, y }] of to) moved = changeNote(moved, id, { x, y });
  return moved;
}

/** Where notes go when nodes are put elsewhere: each with the node that it is nearest to. */
export function following(flow: FlowDoc, before: ReadonlyMap<string, Position>, after: ReadonlyMap<string, Position>): ReadonlyMap<string, Position> {
  const far = (one: Position, other: Position) => Math.hypot(one.x - other.x, one.y - other.y);
  const moved = [...notesOf(flow)].flatMap(([id, note]) => {
    const [nearest] = [...before].reduce((best, one) => (far(one[1], note) < far(best[1], note) ? one : best), [...before][0] ?? ["", note]);
    const [from, to] = [before.get(nearest), after.get(nearest)];
    return from === undefined || to === undefined ? [] : [[id, { x: note.x + to.x - from.x, y: note.y + to.y - from.y }] as const];
  });
  return new Map(moved);
}

const TRY_PX = 40;
const MOST_TRIES = 60;

/** Where a new note hides nothing, and nothing hides it: as near above or below a place as can be. */
export function freeSpot(flow: FlowDoc, nodes: Iterable<Position & { readonly width: number; readonly height: number }>, { x, y }: Position): Position {
  const taken = [...nodes, ...notesOf(flow).values()];
  const isFree = (at: number) =>
    taken.every((one) => x + NOTE.width <= one.x || one.x + one.width <= x || at + NOTE.height <= one.y || one.y + one.height <= at);
  for (let step = 0; step < MOST_TRIES; step += 1) {
    const at = [y - step * TRY_PX, y + step * TRY_PX].find(isFree);
    if (at !== undefined) return { x, y: at };
  }
  return { x, y };
}

/** The first of what a note says, for where there is one line. */
export function firstWords({ text }: Note): string {
  return text.trim().split("\n", 1)[0]?.replace(/^[#>*\-\s]+/, "").slice(0, 80) ?? "";
}

function fitting(note: NoteDoc): NoteDoc {
  const { text, x, y, width, height, tone } = whole(note);
  const { chars } = NOTE_BOUNDS;
  return placed({ text: text.length > chars ? [...text].slice(0, chars).join("") : text, x, y, width, height, tone });
}

function placed(note: NoteDoc): NoteDoc {
  const within = (value: number, { min, max }: { min: number; max: number }) => Math.round(Math.min(max, Math.max(min, value)));
  const { width = NOTE.width, height = NOTE.height } = note;
  return { ...note, x: bounded(note.x), y: bounded(note.y), width: within(width, NOTE_BOUNDS.width), height: within(height, NOTE_BOUNDS.height) };
}
