// What a connection can be like, what it needs of the world, and what an answer that is no stream means.

import type { Told } from "./events";

/** What was in the way. `detail` is the server's own sentence, where it said one, and `said` what that says. */
export interface Trouble {
  readonly kind: "unreachable" | "cut" | "silent" | "garbled" | "answered";
  readonly status: number | null;
  readonly type: string | null;
  readonly detail: string | null;
  readonly said?: Told;
}

export type Connection =
  | { readonly state: "connecting" | "open" | "resting" | "ended" | "closed" }
  | { readonly state: "lost"; readonly trouble: Trouble; readonly attempt: number; readonly retryAt: number }
  | { readonly state: "refused"; readonly trouble: Trouble };

/** What the stream needs of the world, so that a test can be the world. */
export interface Surroundings {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Milliseconds. */
  now(): number;
  /** Calls `then` after so many milliseconds, unless what it returns is called before. */
  after(ms: number, then: () => void): () => void;
  /** From 0 up to 1. */
  random(): number;
  hidden(): boolean;
  /** Calls `changed` whenever the page is hidden or seen again, until what it returns is called. */
  watchHidden(changed: () => void): () => void;
}

export type Outcome =
  | { readonly is: "ended" | "left" }
  | { readonly is: "refused"; readonly trouble: Trouble }
  | { readonly is: "lost"; readonly trouble: Trouble; readonly atLeastMs: number };

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const LONGEST_ASKED_WAIT_MS = 60_000;
const PASSING = new Set([408, 425, 429]);

/** How long to wait before that attempt (the first is 0): twice as long each time, and never for all readers alike. */
export function waitMs(attempt: number, random: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.5 + random / 2);
}

export function lost(kind: Trouble["kind"]): Outcome {
  return { is: "lost", trouble: { kind, status: null, type: null, detail: null }, atLeastMs: 0 };
}

/** An answer that is no stream: said once where it stays so, tried again where it passes. */
export async function refusal(response: Response): Promise<Outcome> {
  const answer: unknown = await response.json().catch(() => null);
  const said = toldIn(answer);
  const trouble: Trouble = {
    kind: "answered",
    status: response.status,
    type: textOf(answer, "type"),
    detail: textOf(answer, "detail"),
    ...(said !== undefined && { said }),
  };
  if (response.status < 500 && !PASSING.has(response.status)) return { is: "refused", trouble };
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  return { is: "lost", trouble, atLeastMs: Math.min(LONGEST_ASKED_WAIT_MS, (seconds || 0) * 1000) };
}

function toldIn(value: unknown): Told | undefined {
  if (typeof value !== "object" || value === null || !("said" in value)) return undefined;
  return textOf(value.said, "code") === null ? undefined : (value.said as Told);
}

function textOf(value: unknown, name: string): string | null {
  if (typeof value !== "object" || value === null) return null;
  const found = (value as Record<string, unknown>)[name];
  return typeof found === "string" ? found : null;
}
