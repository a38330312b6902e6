// Completes names in a prompt: what stands before the caret, which names would do, and the text with one of them in it.
import type { BoundName } from "./names";
import { readTemplate } from "./template";

export interface Completion {
  /** What is replaced: from the brace to the end of the name, and the brace behind it. */
  readonly from: number;
  readonly to: number;
  readonly query: string;
  /** True after `{?`: a whole block is wanted. */
  readonly isBlock: boolean;
  readonly options: readonly BoundName[];
}

export const MOST_SHOWN = 50;

/** The names that would do where the caret stands; null where no name is being written. */
export function completionAt(text: string, caret: number, names: readonly BoundName[]): Completion | null {
  const before = /(\{+)(\??)([a-z0-9_.]*)$/i.exec(text.slice(0, caret));
  if (before === null) return null;
  const [found, braces = "", question = "", query = ""] = before;
  if (braces.length % 2 === 0) return null; // `{{` is a brace, and no name begins
  const from = caret - found.length + braces.length - 1;
  const rest = /^[a-z0-9_.]*\}?/i.exec(text.slice(caret))?.[0] ?? "";
  const to = rest.endsWith("}") || rest === "" ? caret + rest.length : caret;
  const options = matching(names, query.toLowerCase());
  return options.length === 0 ? null : { from, to, query, isBlock: question !== "", options };
}

/** Those whose name begins so first, then those that hold it; each in its order. */
function matching(names: readonly BoundName[], query: string): readonly BoundName[] {
  const begins = names.filter(({ name }) => name.startsWith(query));
  const holds = names.filter(({ name }) => !name.startsWith(query) && name.includes(query));
  return [...begins, ...holds].slice(0, MOST_SHOWN);
}

/** The text with that name in it, and where the caret stands then. A name that may have no value gets its block. */
export function completed(text: string, { from, to, isBlock }: Completion, option: BoundName): { text: string; caret: number } {
  const { name, isSure } = option;
  const slot = `{${name}}`;
  const isSheltered = readTemplate(text.slice(0, from)).faults.some((one) => one.kind === "unclosed" && one.name === name);
  const wanted = (isBlock || !isSure) && !isSheltered ? `{?${name}}${slot}{/${name}}` : slot;
  const caret = from + wanted.indexOf(slot) + slot.length;
  return { text: text.slice(0, from) + wanted + text.slice(to), caret };
}

export interface Doubt {
  readonly name: string;
  readonly kind: "unknown" | "unsure" | "stray" | "unclosed" | "unopened";
  readonly from: number;
  readonly to: number;
}

/** What would keep the prompt from being filled. `names`: null while nobody knows them; then no name is doubted. */
export function doubtsIn(text: string, names: readonly BoundName[] | null): readonly Doubt[] {
  const { mentions, faults } = readTemplate(text);
  const known = new Map((names ?? []).map((one) => [one.name, one]));
  const doubts: Doubt[] = [...faults];
  for (const { name, kind, from, to, isSheltered } of names === null ? [] : mentions) {
    const found = known.get(name);
    if (found === undefined) doubts.push({ name, kind: "unknown", from, to });
    else if (!found.isSure && kind === "slot" && !isSheltered) doubts.push({ name, kind: "unsure", from, to });
  }
  return doubts.sort((a, b) => a.from - b.from);
}

export interface Piece {
  readonly text: string;
  readonly mark: "plain" | "name" | "doubt";
}

/** The text cut where it changes its looks. */
export function pieces(text: string, doubts: readonly Doubt[]): readonly Piece[] {
  const names = readTemplate(text).mentions.map(({ from, to }) => ({ from, to, mark: "name" as const }));
  const wrong = doubts.map(({ from, to }) => ({ from, to, mark: "doubt" as const }));
  const places = new Set(wrong.map(({ from }) => from));
  const marks = [...wrong, ...names.filter(({ from }) => !places.has(from))].sort((a, b) => a.from - b.from);
  const cut: Piece[] = [];
  let end = 0;
  for (const { from, to, mark } of marks) {
    if (from < end) continue;
    if (from > end) cut.push({ text: text.slice(end, from), mark: "plain" });
    cut.push({ text: text.slice(from, to), mark });
    end = to;
  }
  if (end < text.length) cut.push({ text: text.slice(end), mark: "plain" });
  return cut;
}
