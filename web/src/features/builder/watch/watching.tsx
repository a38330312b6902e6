"use client";

// Follows the run that is looked at here, and tells the canvas how its nodes stand.
import { createContext, useContext, useEffect, type ReactNode } from "react";
import { useRun, useRunView, type Run } from "@/shared/run/run";
import { useBuilder, useBuilderStore, type WatchedNode } from "../store";
import { useAsked } from "./asked";

const Watched = createContext<Run | null>(null);

/** Around all that looks at the run: it goes on being followed whatever is selected. */
export function Watching({ children }: { children: ReactNode }) {
  const flowId = useBuilder((state) => state.flowId);
  const run = useRun(useAsked(flowId).runId);
  const view = useRunView(run);
  const store = useBuilderStore();
  useEffect(() => {
    const before = store.getState().watched;
    const nodes = new Map<string, WatchedNode>();
    for (const { id, status, visits, seconds } of view?.nodes ?? []) {
      const then = before.get(id);
      // A node that stands as it stood is the same object: it is not drawn anew.
      nodes.set(id, then?.status === status && then.visits === visits && then.seconds === seconds ? then : { status, visits, seconds });
    }
    if (nodes.size > 0 || before.size > 0) store.getState().setWatched(nodes);
  }, [view, store]);
  return <Watched.Provider value={run}>{children}</Watched.Provider>;
}

export function useWatched(): Run {
  const run = useContext(Watched);
  if (run === null) throw new Error("Nothing follows a run around this component.");
  return run;
}
