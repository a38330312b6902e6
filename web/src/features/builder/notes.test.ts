import { describe, expect, it } from "vitest";
import { addNote, copySelected, duplicateSelected, go, moveSelected, pasteText, removeSelected, selectAll, tidy } from "./actions";
import type { FlowDoc } from "./document";
import { addNotes, changeNote, firstWords, freeSpot, NOTE, NOTE_BOUNDS, notesOf, removeNotes, type NoteDoc } from "./notes";
import { flowNow, makeBuilder, selectedNode, selectedNote } from "./store";

const flow: FlowDoc = {
  id: "mine",
  name: "Mine",
  nodes: ["a", "b"].map((id) => ({ id, kind: "generate" })),
  edges: [{ from: "a", to: "b" }],
  layout: { a: { x: 0, y: 0 }, b: { x: 900, y: 400 } },
  notes: { why: { text: "# Why **two**\nBecause", x: 880, y: 300 } },
};
const begin = () => makeBuilder({ flow, etag: '"1"' });

describe("notes", () => {
  it("are read with what is left out, as the same objects, and without those that cannot be drawn", () => {
    const odd = { ...flow, notes: { ...flow.notes, lost: { x: "far", y: 0 }, none: null } } as unknown as FlowDoc;
    expect([...notesOf(odd)]).toEqual([["why", { ...NOTE, text: "# Why **two**\nBecause", x: 880, y: 300 }]]);
    expect(notesOf(changeNote(addNotes(flow, [{ x: 0, y: 0 }]).flow, "note", { text: "x" })).get("why")).toBe(notesOf(flow).get("why"));
    expect(notesOf({ ...flow, notes: "none" } as unknown as FlowDoc).size).toBe(0);
  });

  it("stay within what the server takes, in size and in number", () => {
    expect(changeNote(flow, "why", { width: 1, height: 99_999, x: 1e9 }).notes?.["why"]).toMatchObject({ width: NOTE_BOUNDS.width.min, height: NOTE_BOUNDS.height.max, x: 1e6 });
    const full = addNotes(flow, Array.from({ length: 300 }, () => ({ x: 0, y: 0 }))).flow;
    expect(Object.keys(full.notes ?? {})).toHaveLength(NOTE_BOUNDS.count);
    expect(addNote(makeBuilder({ flow: full, etag: '"1"' }), { x: 0, y: 0 })).toBeNull();
    const foreign = { text: "x".repeat(NOTE_BOUNDS.chars + 1), x: 0, y: 0, tone: "red", colour: "red" } as unknown as NoteDoc;
    expect(addNotes(flow, [foreign]).flow.notes?.["note"]).toEqual({ ...NOTE, text: "x".repeat(NOTE_BOUNDS.chars), x: 0, y: 0 });
  });

  it("leave nothing in the document when the last one goes", () => {
    expect("notes" in removeNotes(flow, new Set(["why"]))).toBe(false);
    expect(removeNotes(flow, new Set(["other"])).notes).toEqual(flow.notes);
  });

  it("are told in one line by their first words", () => {
    expect(firstWords({ ...NOTE, text: "\n## Why **two**\nBecause", x: 0, y: 0 })).toBe("Why **two**");
  });

  it("are put where they hide nothing", () => {
    const { y } = freeSpot(flow, [{ x: 0, y: 0, width: 224, height: 68 }], { x: 0, y: 0 });
    expect(y + NOTE.height <= 0 || y >= 68).toBe(true);
  });
});

describe("a note on the canvas", () => {
  it("is selected, moved, deleted and brought back as nodes are", () => {
    const builder = begin();
    builder.getState().show("note:why");
    expect([selectedNote(builder.getState()), selectedNode(builder.getState())]).toEqual(["why", null]);
    moveSelected(builder, "down");
    expect(flowNow(builder.getState()).notes?.["why"]).toMatchObject({ x: 880, y: 316 });
    removeSelected(builder);
    expect([flowNow(builder.getState()).notes, builder.getState().selection.notes.size]).toEqual([undefined, 0]);
    builder.getState().undo();
    builder.getState().undo();
    expect(flowNow(builder.getState())).toBe(flow);
  });

  it("is come to by the arrow keys", () => {
    const builder = begin();
    builder.getState().show("b");
    go(builder, "up");
    expect(selectedNote(builder.getState())).toBe("why");
    go(builder, "down");
    expect(selectedNode(builder.getState())).toBe("b");
  });

  it("is copied alone or with nodes, and keeps its place among them", () => {
    const builder = begin();
    builder.getState().show("note:why");
    duplicateSelected(builder);
    expect(flowNow(builder.getState()).notes?.["note"]).toMatchObject({ text: "# Why **two**\nBecause", x: 912, y: 332 });
    builder.getState().undo();
    selectAll(builder);
    const text = copySelected(builder) ?? "";
    expect(pasteText(builder, text, { x: 2000, y: 1000 })).toBe(0);
    const { layout, notes } = flowNow(builder.getState());
    expect([layout?.["a_2"], notes?.["note"]]).toMatchObject([{ x: 2000, y: 1000 }, { x: 2880, y: 1300 }]);
    expect(builder.getState().selection.notes).toEqual(new Set(["note"]));
  });

  it("is seen twice where it is pasted twice", () => {
    const builder = begin();
    builder.getState().show("note:why");
    const text = copySelected(builder) ?? "";
    pasteText(builder, text);
    pasteText(builder, text);
    const { notes } = flowNow(builder.getState());
    expect([notes?.["note"], notes?.["note_2"]]).toMatchObject([{ x: 912, y: 332 }, { x: 944, y: 364 }]);
  });

  it("is left out where a flow has as many as it may, and that is told", () => {
    const nearlyFull = addNotes(flow, Array.from({ length: NOTE_BOUNDS.count - 2 }, (_, at) => ({ x: at, y: 0 }))).flow;
    const builder = makeBuilder({ flow: nearlyFull, etag: '"1"' });
    selectAll(builder);
    expect(duplicateSelected(builder)).toBe(NOTE_BOUNDS.count - 2);
    expect(notesOf(flowNow(builder.getState())).size).toBe(NOTE_BOUNDS.count);
    expect(flowNow(builder.getState()).nodes).toHaveLength(4);
    builder.getState().show("note:why");
    const { history } = builder.getState();
    expect(pasteText(builder, copySelected(builder) ?? "")).toBe(1);
    expect(builder.getState().history).toBe(history);
  });

  it("goes with the nearest node when all are put in order", () => {
    const builder = begin();
    tidy(builder);
    const { layout, notes } = flowNow(builder.getState());
    const b = layout?.["b"] ?? { x: 0, y: 0 };
    expect(notes?.["why"]).toMatchObject({ x: Math.round(b.x - 20), y: Math.round(b.y - 100) });
  });
});
