// The transcript of a run: every turn, every answer, in the form in which they are shown.

import type { GenerationRequest, GenerationResult, NodeOutput, RunStarted, VoteView } from "./events";

/** One answer of one model: of that node, in that turn, the so-manieth of its samples. */
export interface Lane {
  readonly key: string;
  readonly node: string;
  readonly visit: number;
  readonly sample: number;
  /** `left`: the run ended before the answer did. */
  readonly state: "asked" | "speaking" | "done" | "left";
  /** What was said so far; once it is done, the answer as it is recorded. */
  readonly text: string;
  /** Null where the answer was taken over from another run: nobody was asked. */
  readonly request: GenerationRequest | null;
  readonly result: GenerationResult | null;
  readonly reused: boolean;
  readonly askedAt: string | null;
  readonly spokeAt: string | null;
  readonly doneAt: string | null;
  /** How often the answer broke off, and why the last time. */
  readonly restarts: number;
  readonly reason: string | null;
  /** Whether the run was taken up again in the middle of it: what had been said by then is void. */
  readonly wasCutOff: boolean;
  /** True while a piece of the text is missing; the whole text comes with the result at the latest. */
  readonly isBehind: boolean;
}

export interface Question {
  readonly text: string;
  readonly choices: readonly string[];
  readonly default: string | null;
}

/** One turn of one node. */
export interface Turn {
  readonly key: string;
  readonly node: string;
  readonly visit: number;
  readonly kind: string;
  readonly label: string;
  readonly role: string;
  /** `left`: the run ended in the middle of it, and by no fault of its own. */
  readonly state: "running" | "waiting_for_person" | "done" | "failed" | "left";
  readonly startedAt: string;
  readonly seconds: number | null;
  readonly reused: boolean;
  readonly output: NodeOutput | null;
  readonly next: readonly string[];
  readonly votes: readonly VoteView[];
  readonly question: Question | null;
  readonly reply: string | null;
  /** Keys of its lanes, in the order of their samples. */
  readonly lanes: readonly string[];
  /** The node in whose turn this one's flow is run; null for nodes of the run's own flow. */
  readonly within: string | null;
}

/** Turns that went on side by side. */
export interface Stage {
  readonly key: string;
  readonly turns: readonly string[];
}

/** Views are never changed afterwards, and what no event has touched is the same object in the next one. */
export interface Transcript {
  readonly started: RunStarted | null;
  /** Runs that were waiting before this one when it was queued. */
  readonly ahead: number | null;
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly turns: ReadonlyMap<string, Turn>;
  readonly stages: readonly Stage[];
}

export const NO_TRANSCRIPT: Transcript = {
  started: null,
  ahead: null,
  lanes: new Map(),
  turns: new Map(),
  stages: [],
};

/** Where an answer belongs. */
export interface Place {
  readonly node: string;
  readonly visit: number;
  readonly sample: number;
}

const NO_ANSWERS: ReadonlySet<string> = new Set(["declined", "filtered"]);

/** Whether it ended, and with no answer. */
export function isNoAnswer({ result }: Lane): boolean {
  return result !== null && NO_ANSWERS.has(result.finish_reason);
}

export function turnKey(node: string, visit: number): string {
  return `${node} ${visit}`;
}

export function laneKey({ node, visit, sample }: Place): string {
  return `${node} ${visit} ${sample}`;
}
