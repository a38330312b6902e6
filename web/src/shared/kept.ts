// Keeps in this browser what was written and not sent: it stays over a reload, and over a dialog that is closed.
import { useState } from "react";

const PREFIX = "agent-lab.unsent.";
/** Drafts of what is long over are let go, the oldest first. */
const MOST = 50;

interface Kept {
  at: number;
  value: unknown;
}

/** What was kept under that name; undefined where there is nothing, or nothing that can be read. */
export function recalled(name: string): unknown {
  return read(PREFIX + name)?.value;
}

export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify({ at: Date.now(), value } satisfies Kept));
    const all = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    if (all.length <= MOST) return;
    const oldest = all.sort((one, other) => (read(one)?.at ?? 0) - (read(other)?.at ?? 0));
    for (const key of oldest.slice(0, all.length - MOST)) localStorage.removeItem(key);
  } catch {
    // A browser that keeps nothing, or has no room, still has it on the page.
  }
}

export function forget(name: string): void {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // Nothing was kept.
  }
}

function read(key: string): Kept | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    return typeof kept === "object" && kept !== null && "value" in kept ? (kept as Kept) : undefined;
  } catch {
    return undefined;
  }
}

export interface Unsent<T> {
  value: T;
  change: (next: T) => void;
  /** Once it is sent, or not wanted any more. */
  drop: () => void;
  /** True where it was written at another time, and is shown again. */
  isBack: boolean;
}

/** State that is kept under that name. `valid`: whether what was kept is still such a value. */
export function useUnsent<T>(name: string, fresh: () => T, valid: (kept: unknown) => kept is T): Unsent<T> {
  const [first] = useState(() => {
    const kept = recalled(name);
    return valid(kept) ? { value: kept, isBack: true } : { value: fresh(), isBack: false };
  });
  const [{ value, isBack }, set] = useState(first);
  return {
    value,
    isBack,
    change: (next) => {
      set((was) => ({ ...was, value: next }));
      keep(name, next);
    },
    drop: () => {
      set({ value: fresh(), isBack: false });
      forget(name);
    },
  };
}
