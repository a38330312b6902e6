// Reads structured verdicts in a node's fields: faults found, scores given, votes counted. What does not fit is left out.

import type { JsonValue } from "./events";

type Fields = Readonly<Record<string, JsonValue>>;
type Row = { readonly [key: string]: JsonValue };

/** How grave: 0 a matter of taste, 1 minor, 2 serious, 3 the answer is wrong or unsafe. */
export type Gravity = 0 | 1 | 2 | 3;

export interface Issue {
  /** Null where it is not said, or not in words that are known. */
  readonly gravity: Gravity | null;
  /** As it was said; empty where it was not. */
  readonly severity: string;
  readonly where: string;
  readonly why: string;
  readonly fix: string;
}

export interface Verdict {
  readonly issues: readonly Issue[];
  /** Null where the node does not say. */
  readonly isAccepted: boolean | null;
}

export interface Score {
  readonly candidate: string;
  /** Null where the judge's answer could not be read. */
  readonly score: number | null;
  readonly why: string;
}

export interface Judgement {
  readonly winner: string | null;
  readonly scores: readonly Score[];
  readonly isTied: boolean;
  /** Pairs whose verdict changed with the order of the answers. */
  readonly flipped: number;
  readonly unread: number;
  readonly leftOut: number;
  readonly reasons: readonly string[];
}

export interface Count {
  readonly choice: string;
  readonly votes: number;
  readonly voters: readonly string[];
}

export interface Tally {
  readonly winner: string | null;
  readonly counts: readonly Count[];
  readonly isTied: boolean;
  /** The winner's part of all votes, 0 to 1; null where it is not said. */
  readonly share: number | null;
  readonly voters: number;
  readonly abstained: number;
}

const GRAVITIES: readonly (readonly [Gravity, string])[] = [
  [0, "none info informational ninguna ninguno taste"],
  [1, "low minor trivial baja bajo leve menor"],
  [2, "medium moderate media medio moderada moderado serious seria serio"],
  [3, "high major severe critical blocker fatal alta alto grave mayor crítica crítico critica critico"],
];
const WORDS = new Map(GRAVITIES.flatMap(([gravity, words]) => words.split(" ").map((word) => [word, gravity] as const)));
const PLACES = ["where", "place", "location", "line", "dónde", "donde", "lugar"];
const REASONS = ["why", "reason", "issue", "problem", "description", "text", "title", "porqué", "motivo", "problema"];
const FIXES = ["fix", "suggestion", "repair", "solution", "arreglo", "solución", "sugerencia"];
const GRAVE = ["severity", "gravity", "level", "priority", "gravedad", "severidad"];

/** The faults that a node found; null where its fields hold no list of faults. */
export function verdictOf(fields: Fields): Verdict | null {
  const rows = issueRows(fields);
  if (rows === null) return null;
  const accepted = fields["accepted"];
  return { issues: rows.map(issueOf), isAccepted: typeof accepted === "boolean" ? accepted : null };
}

/** What a judge said; null where the fields are not a judge's. */
export function judgementOf(fields: Fields): Judgement | null {
  const rows = fields["scores"];
  if (!Array.isArray(rows) || !("winner" in fields)) return null;
  const scores = rows.filter(isRow).flatMap((row): Score[] => {
    const candidate = textOf(row["candidate"]);
    return candidate === "" ? [] : [{ candidate, score: figureOf(row["score"]), why: textOf(row["why"]) }];
  });
  return {
    winner: textOf(fields["winner"]) || null,
    scores,
    isTied: fields["tied"] === true,
    flipped: figureOf(fields["flipped"]) ?? 0,
    unread: figureOf(fields["unread"]) ?? 0,
    leftOut: figureOf(fields["left_out"]) ?? 0,
    reasons: textsOf(fields["reasons"]),
  };
}

/** How a vote came out; null where the fields are not a vote's. */
export function tallyOf(fields: Fields): Tally | null {
  const rows = fields["tally"];
  if (!Array.isArray(rows)) return null;
  const counts = rows.filter(isRow).map(
    (row): Count => ({
      choice: textOf(row["choice"]),
      votes: figureOf(row["votes"]) ?? 0,
      voters: textsOf(row["voters"]),
    }),
  );
  return {
    winner: textOf(fields["winner"]) || null,
    counts,
    isTied: fields["tied"] === true,
    share: figureOf(fields["share"]),
    voters: figureOf(fields["voters"]) ?? counts.reduce((sum, count) => sum + count.voters.length, 0),
    abstained: figureOf(fields["abstained"]) ?? 0,
  };
}

/** The list under `issues`; else the first one whose entries are faults by what they say. */
function issueRows(fields: Fields): readonly Row[] | null {
  const named = fields["issues"];
  if (Array.isArray(named)) return named.map((one) => (isRow(one) ? one : { why: one }));
  for (const value of Object.values(fields)) {
    if (!Array.isArray(value) || value.length === 0) continue;
    const rows = value.filter(isRow);
    if (rows.length === value.length && rows.every((row) => first(row, GRAVE) !== "" && first(row, REASONS) !== ""))
      return rows;
  }
  return null;
}

function issueOf(row: Row): Issue {
  const severity = first(row, GRAVE);
  return {
    gravity: gravityOf(severity),
    severity,
    where: first(row, PLACES),
    why: first(row, REASONS),
    fix: first(row, FIXES),
  };
}

function gravityOf(said: string): Gravity | null {
  const word = said.trim().toLowerCase();
  const known = WORDS.get(word);
  if (known !== undefined) return known;
  // Of another scale, such as 1 to 10, nobody knows what a figure means.
  return /^[0-3]$/.test(word) ? (Number(word) as Gravity) : null;
}

function first(row: Row, names: readonly string[]): string {
  for (const name of names) {
    const text = textOf(row[name]);
    if (text !== "") return text;
  }
  return "";
}

function isRow(value: JsonValue): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : asJson(value);
}

function asJson(value: JsonValue): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "…"; // nested more deeply than the stack is
  }
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(textOf).filter((text) => text !== "") : [];
}

function figureOf(value: JsonValue | undefined): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || value.trim() === "") return null;
  const figure = Number(value);
  return Number.isFinite(figure) ? figure : null;
}
