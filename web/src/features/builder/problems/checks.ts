"use client";

// Has the server check the document as it is edited, and says what it found of each node, edge and setting.
import { useEffect, useMemo, useState } from "react";
import { useLocale } from "use-intl";
import { api, told } from "@/shared/api/client";
import type { FlowDoc } from "../document";
import { namesAt, type BoundName, type Scope } from "../prompt/names";
import { flowNow, useBuilder, useBuilderStore, type BuilderState, type Checked } from "../store";
import { placed, type PlacedProblem } from "./places";

const WAIT_MS = 350;
const AGAIN_MS = 5_000;

export interface Checking {
  readonly isChecking: boolean;
  /** Why the newest document was not checked; null where it was, or is going to be. */
  readonly error: unknown;
}

/** Checks a moment after each edit. An answer that comes after a newer edit is dropped. Use it once on a screen. */
export function useChecks(): Checking {
  const store = useBuilderStore();
  const flow = useBuilder(flowNow);
  const [state, setState] = useState<Checking>({ isChecking: true, error: null });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const known = store.getState().checked;
    if (known !== null && isSameForChecks(known.document, flow)) return;
    const asking = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    const check = async () => {
      setState({ isChecking: true, error: null });
      try {
        const body = flow as unknown as Record<string, never>;
        const verdict = await told(api.POST("/api/flows/validate", { body, signal: asking.signal }));
        store.getState().setChecked({ document: flow, verdict });
        setState({ isChecking: false, error: null });
      } catch (error) {
        if (asking.signal.aborted) return;
        setState({ isChecking: false, error });
        again = setTimeout(() => setTries((count) => count + 1), AGAIN_MS);
      }
    };
    const timer = setTimeout(() => void check(), known === null ? 0 : WAIT_MS);
    return () => {
      clearTimeout(timer);
      clearTimeout(again);
      asking.abort();
    };
  }, [flow, store, tries]);
  return state;
}

/** Moved nodes are checked no more than they were. */
function isSameForChecks(one: FlowDoc, other: FlowDoc): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  names.delete("layout");
  return [...names].every((name) => Object.is(one[name as keyof FlowDoc], other[name as keyof FlowDoc]));
}

const PLACED = new WeakMap<Checked, readonly PlacedProblem[]>();
const NONE: readonly PlacedProblem[] = [];

/** Every problem that was found, with its place. */
export function problemsOf(checked: Checked | null): readonly PlacedProblem[] {
  if (checked === null) return NONE;
  const known = PLACED.get(checked) ?? placed(checked.verdict.problems, checked.document);
  PLACED.set(checked, known);
  return known;
}

export function useProblems(): readonly PlacedProblem[] {
  return problemsOf(useBuilder(checkedNow));
}

/** Those of one node, of one edge, or (`flow`) of what stands beside them. */
export function useProblemsAt(is: "node" | "edge" | "flow", id = ""): readonly PlacedProblem[] {
  const problems = useProblems();
  return useMemo(() => problems.filter(({ place }) => place.is === is && place.id === id), [problems, is, id]);
}

function checkedNow(state: BuilderState): Checked | null {
  return state.checked;
}

export function useScope(): Scope | null {
  return useBuilder((state) => state.checked?.verdict.scope ?? null);
}

/** The names that a prompt of that node may use; null while nobody knows them. */
export function useNamesAt(node: string): readonly BoundName[] | null {
  const scope = useScope();
  const language = useLocale();
  return useMemo(() => (scope?.nodes[node] === undefined ? null : namesAt(scope, node, language)), [scope, node, language]);
}

/** Whether what was checked of that node is what it says now. */
export function useIsChecked(node: string): boolean {
  return useBuilder((state) => {
    const then = state.checked?.document.nodes.find(({ id }) => id === node);
    return then !== undefined && then === flowNow(state).nodes.find(({ id }) => id === node);
  });
}
