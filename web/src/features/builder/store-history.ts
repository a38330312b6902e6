// What can be undone: the states of something immutable, those that belong together as one.

export interface History<T> {
  readonly now: T;
  readonly past: readonly T[];
  readonly future: readonly T[];
  /** What the newest edit was part of, and when it was made: one that goes on with it is undone together with it. */
  readonly last: { readonly key: string; readonly at: number } | null;
}

const MOST = 500;
/** Edits of one key within this time belong together: the letters of a word, the steps of a move. */
const TOGETHER_MS = 1_000;

export function begun<T>(now: T): History<T> {
  return { now, past: [], future: [], last: null };
}

/** The next state. `key`: what is edited, such as one field; without it the edit stands alone. */
export function stepped<T>(history: History<T>, next: T, at: number, key?: string): History<T> {
  if (Object.is(next, history.now)) return history;
  const { last } = history;
  const isSame = key !== undefined && last?.key === key && at - last.at <= TOGETHER_MS && history.past.length > 0;
  return {
    now: next,
    past: isSame ? history.past : [...history.past, history.now].slice(-MOST),
    future: [],
    last: key === undefined ? null : { key, at },
  };
}

export function undone<T>(history: History<T>): History<T> {
  const before = history.past.at(-1);
  if (before === undefined) return history;
  return { now: before, past: history.past.slice(0, -1), future: [history.now, ...history.future], last: null };
}

export function redone<T>(history: History<T>): History<T> {
  const [after, ...future] = history.future;
  if (after === undefined) return history;
  return { now: after, past: [...history.past, history.now], future, last: null };
}
