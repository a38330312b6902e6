// Which alerts this browser has hidden, and until when: each until it gets worse, or is gone and comes back.
import { create } from "zustand";
import type { Alert } from "@/shared/api/metrics";

export type Hidden = Readonly<Record<string, Alert["severity"]>>;

const KEY = "agent-lab.hidden-alerts";

/** The alerts that are to be shown. */
export function shown<T extends Pick<Alert, "id" | "severity">>(alerts: readonly T[], hidden: Hidden): T[] {
  return alerts.filter(({ id, severity }) => hidden[id] !== severity);
}

/** What stays hidden, now that these alerts are all that there are. */
export function stillHidden(alerts: readonly Pick<Alert, "id" | "severity">[], hidden: Hidden): Hidden {
  const there = new Map(alerts.map(({ id, severity }) => [id, severity]));
  const kept = Object.entries(hidden).filter(([id, severity]) => there.get(id) === severity);
  return kept.length === Object.keys(hidden).length ? hidden : Object.fromEntries(kept);
}

interface HiddenAlerts {
  hidden: Hidden;
  hide: (alert: Pick<Alert, "id" | "severity">) => void;
  /** Forget those that are gone or have changed. */
  settle: (alerts: readonly Pick<Alert, "id" | "severity">[]) => void;
}

export const useHiddenAlerts = create<HiddenAlerts>((set, get) => ({
  hidden: recalled(),
  hide: ({ id, severity }) => set({ hidden: remember({ ...get().hidden, [id]: severity }) }),
  settle: (alerts) => {
    const kept = stillHidden(alerts, get().hidden);
    if (kept !== get().hidden) set({ hidden: remember(kept) });
  },
}));

function recalled(): Hidden {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof kept === "object" && kept !== null ? (kept as Hidden) : {};
  } catch {
    return {}; // a browser that keeps nothing, or not in a browser
  }
}

function remember(hidden: Hidden): Hidden {
  try {
    localStorage.setItem(KEY, JSON.stringify(hidden));
  } catch {
    // A browser that keeps nothing shows them again after a reload.
  }
  return hidden;
}
