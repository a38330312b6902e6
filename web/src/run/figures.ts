// What an answer took, and how long a run has been worked on: figures read off a transcript.

import type { RunEvent } from "./events";
import type { Lane } from "./transcript";

export interface LaneFigures {
  readonly model: string;
  /** Whether the model was in memory; null where no model was looked for, or the answer was taken over. */
  readonly isHit: boolean | null;
  readonly promptTokens: number;
  readonly tokens: number;
  readonly cachedTokens: number;
  readonly tokensPerS: number | null;
  /** Null where the price is not known. */
  readonly costUsd: number | null;
  readonly loadS: number;
  readonly queueS: number;
  readonly firstTokenS: number | null;
  readonly totalS: number;
  /** Tries that failed before this answer. */
  readonly failedTries: number;
  readonly finish: string;
}

/** Null while there is no result. */
export function figuresOf({ result, reused }: Lane): LaneFigures | null {
  if (result === null) return null;
  const { timings, usage } = result;
  const took = timings.inference_s || timings.total_s;
  return {
    model: result.model_key,
    isHit: reused || result.finish_reason === "declined" ? null : result.cache_hit,
    promptTokens: usage.prompt_tokens,
    tokens: result.tokens_generated,
    cachedTokens: usage.cached_tokens,
    tokensPerS: took > 0 && result.tokens_generated > 0 ? result.tokens_generated / took : null,
    costUsd: usage.cost_usd,
    loadS: timings.load_s,
    queueS: timings.queue_s,
    firstTokenS: timings.first_token_s,
    totalS: timings.total_s,
    failedTries: result.attempts.filter(({ outcome }) => outcome !== "ok").length,
    finish: result.finish_reason,
  };
}

/** The time that a run was worked on: that of its stretches that have ended, and since when the newest one goes on. */
export interface Work {
  readonly doneMs: number;
  /** In milliseconds of the server's clock; null while nobody works on the run. */
  readonly since: number | null;
  /** When the newest stored event was: what a process that was killed did after it is not known. */
  readonly latest: number;
}

export const NO_WORK: Work = { doneMs: 0, since: null, latest: 0 };

/** The work after this event. Time in the queue, in a pause and with a person does not count. */
export function worked(work: Work, event: RunEvent): Work {
  if (event.type === "token") return work;
  const latest = Date.parse(event.at);
  switch (event.type) {
    case "run_started":
      return { doneMs: 0, since: latest, latest };
    case "run_queued":
      return { ...NO_WORK, latest };
    case "run_admitted":
      return { ...work, since: work.since ?? latest, latest };
    case "run_resumed":
      // Where nothing says that the stretch before it ended, its process was killed.
      return { doneMs: work.doneMs + stretchMs(work.since, work.latest), since: latest, latest };
    case "run_paused":
    case "run_waits":
      return { doneMs: work.doneMs + stretchMs(work.since, latest), since: null, latest };
    case "run_finished":
      return { doneMs: event.seconds * 1000, since: null, latest };
    default:
      return { ...work, latest };
  }
}

/** Seconds worked so far, at that moment of the server's clock. */
export function workedS({ doneMs, since }: Work, nowMs: number): number {
  return (doneMs + stretchMs(since, nowMs)) / 1000;
}

function stretchMs(since: number | null, until: number): number {
  return since === null ? 0 : Math.max(0, until - since);
}
