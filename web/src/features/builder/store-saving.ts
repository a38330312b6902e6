// When a flow is saved by itself, and what becomes of edits that are made meanwhile: a state machine without a clock.

/** What stands on the server, under which ETag. */
export interface Kept<T> {
  readonly document: T;
  readonly etag: string;
}

export type Phase =
  | "saved"
  /** There are edits, and they are saved in a moment. */
  | "waiting"
  | "saving"
  /** The server does not answer: the edits are kept here until it does. */
  | "offline"
  /** The server takes this document not at all; the next edit is another try. */
  | "refused"
  /** Somebody else has saved: nothing is saved any more until the user has chosen. */
  | "conflict"
  /** Everything was taken out: nothing of that is saved by itself. */
  | "emptied";

export interface Saving<T> {
  readonly kept: Kept<T>;
  readonly phase: Phase;
  /** What the server has been sent and not answered yet. */
  readonly sending: T | null;
  /** When the next save begins, in milliseconds. */
  readonly dueAt: number | null;
  readonly error: unknown;
  /** Tries in a row without an answer. */
  readonly failures: number;
}

export type SavingEvent<T> =
  | { is: "edited"; document: T; at: number }
  | { is: "due"; document: T; at: number }
  | { is: "saved"; etag: string; document: T; at: number }
  | { is: "failed"; why: "offline" | "refused" | "conflict"; error: unknown; document: T; at: number }
  /** The server is there again, or the user wants it now. */
  | { is: "now"; document: T; at: number }
  /** The edits were stored elsewhere: nothing is saved here any more. */
  | { is: "left"; document: T; at: number }
  /** The conflict is settled: from now on this is what stands on the server. */
  | { is: "adopted"; kept: Kept<T>; document: T; at: number };

export interface Rules<T> {
  readonly isSame: (one: T, other: T) => boolean;
  readonly isEmpty: (document: T) => boolean;
}

export const WAIT_MS = 800;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 30_000;

export function savedState<T>(kept: Kept<T>): Saving<T> {
  return { kept, phase: "saved", sending: null, dueAt: null, error: null, failures: 0 };
}

/** The next state. Where it has become `saving`, send `sending` under `kept.etag`. */
export function nextSaving<T>(state: Saving<T>, event: SavingEvent<T>, rules: Rules<T>): Saving<T> {
  const { document, at } = event;
  switch (event.is) {
    case "edited":
      if (state.phase === "conflict" || state.sending !== null) return state;
      return pending(state, document, at + (state.phase === "offline" ? retryMs(state.failures) : WAIT_MS), rules);
    case "due":
      return state.dueAt === null || at < state.dueAt || state.sending !== null ? state : begun(state, document, rules);
    case "now":
      return state.phase === "conflict" || state.sending !== null ? state : begun(state, document, rules);
    case "saved": {
      // What was sent stands there now. Edits that were made meanwhile stay, and are next.
      const kept = { document: state.sending ?? document, etag: event.etag };
      return pending(savedState(kept), document, at + WAIT_MS, rules);
    }
    case "failed":
      return failed(state, event, rules);
    case "left":
      return savedState({ ...state.kept, document });
    case "adopted":
      return pending(savedState(event.kept), document, at + WAIT_MS, rules);
  }
}

function failed<T>(state: Saving<T>, event: SavingEvent<T> & { is: "failed" }, rules: Rules<T>): Saving<T> {
  const { why, error, document, at } = event;
  const failures = why === "offline" ? state.failures + 1 : 0;
  const dueAt = why === "offline" ? at + retryMs(failures) : null;
  const next = { ...state, phase: why, sending: null, error, failures, dueAt };
  // A document that was refused may have been mended while it was on its way.
  const isOther = why === "refused" && state.sending !== null && !rules.isSame(state.sending, document);
  return isOther ? pending(next, document, at + WAIT_MS, rules) : next;
}

function pending<T>(state: Saving<T>, document: T, dueAt: number, rules: Rules<T>): Saving<T> {
  if (rules.isSame(document, state.kept.document)) return savedState(state.kept);
  if (rules.isEmpty(document) && !rules.isEmpty(state.kept.document)) return { ...state, phase: "emptied", dueAt: null };
  const phase = state.phase === "offline" ? "offline" : "waiting";
  return { ...state, phase, dueAt: phase === "offline" ? (state.dueAt ?? dueAt) : dueAt };
}

function begun<T>(state: Saving<T>, document: T, rules: Rules<T>): Saving<T> {
  const next = pending(state, document, 0, rules);
  return next.phase === "saved" || next.phase === "emptied" ? next : { ...next, phase: "saving", sending: document, dueAt: null };
}

function retryMs(failures: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1));
}

/** Whether anything would be lost if the page were closed now and nothing kept here. */
export function hasUnsaved({ phase }: Saving<unknown>): boolean {
  return phase !== "saved";
}
