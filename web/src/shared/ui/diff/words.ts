// What became of a text: blocks of lines that are the same, and blocks that changed, word by word.
import { diffLines, diffWordsWithSpace } from "diff";

export interface Piece {
  kind: "same" | "gone" | "new";
  text: string;
}

export type Block =
  | { kind: "same"; text: string }
  /** `pieces`: both texts in one, word by word. */
  | { kind: "changed"; before: string; after: string; pieces: readonly Piece[] };

/** Past these a part is told as replaced whole: the time that a comparison takes stays bounded. */
const LINES = { maxEditLength: 2_000, timeout: 200 };
const WORDS = { maxEditLength: 1_500, timeout: 60 };
const ALL_WORDS_MS = 300;

/** The blocks, in order. `before` is their text without what is new, `after` their text without what is gone. */
export function blocksOf(before: string, after: string, now: () => number = () => performance.now()): Block[] {
  if (before === after) return before === "" ? [] : [{ kind: "same", text: before }];
  const lines = diffLines(before, after, LINES);
  if (lines === undefined) return [changed(before, after, false)];
  const until = now() + ALL_WORDS_MS;
  const blocks: Block[] = [];
  let gone = "";
  let added = "";
  const flush = () => {
    if (gone !== "" || added !== "") blocks.push(changed(gone, added, now() < until));
    gone = added = "";
  };
  for (const part of lines) {
    if (part.removed) gone += part.value;
    else if (part.added) added += part.value;
    else {
      flush();
      blocks.push({ kind: "same", text: part.value });
    }
  }
  flush();
  return blocks;
}

function changed(before: string, after: string, byWords: boolean): Block {
  return { kind: "changed", before, after, pieces: (byWords && wordsOf(before, after)) || replaced(before, after) };
}

function wordsOf(before: string, after: string): Piece[] | undefined {
  const parts = diffWordsWithSpace(before, after, WORDS);
  if (parts === undefined) return undefined;
  const pieces: Piece[] = [];
  let gone = "";
  let added = "";
  const flush = () => {
    pieces.push(...replaced(gone, added));
    gone = added = "";
  };
  parts.forEach((part, place) => {
    const next = parts[place + 1];
    const isWithin = (gone !== "" || added !== "") && (next?.added === true || next?.removed === true);
    if (part.removed) gone += part.value;
    else if (part.added) added += part.value;
    else if (isWithin && /^[ \t]+$/.test(part.value)) {
      // A space alone between two changes: they are read as one.
      gone += part.value;
      added += part.value;
    } else {
      flush();
      pieces.push({ kind: "same", text: part.value });
    }
  });
  flush();
  return pieces;
}

function replaced(before: string, after: string): Piece[] {
  const pieces: Piece[] = [
    { kind: "gone", text: before },
    { kind: "new", text: after },
  ];
  return pieces.filter(({ text }) => text !== "");
}

/** The beginning and the end of a long text that is the same, and how many lines between them are left out. */
export function folded(text: string, context: number): { head: string; hidden: number; tail: string } | null {
  const lines = text.split("\n");
  const hidden = lines.length - 2 * context;
  if (hidden <= context) return null;
  return {
    head: lines.slice(0, context).join("\n"),
    hidden,
    tail: lines.slice(-context).join("\n"),
  };
}
