"use client";

// Has the server check the document as it is edited, and says what it found of each node, edge and setting.
import { useEffect, useMemo, useState } from "react";
import { useLocale } from "use-intl";
import { api, told } from "@/shared/api/client";
import type { FlowDoc } from "../document";
import { useSaid } from "@/shared/server-words";
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
    if (known !== null && isCheckOf(known, flow)) return;
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

/** Whether a check says of a document what a new one would: the places of nodes are no part of the graph, nor are notes, unless
 * one of them was found wrong. */
export function isCheckOf({ document, verdict }: Checked, flow: FlowDoc): boolean {
  const names = new Set([...Object.keys(document), ...Object.keys(flow)]);
  names.delete("layout");
  if (!verdict.problems.some(({ path }) => path.startsWith("/notes"))) names.delete("notes");
  return [...names].every((name) => Object.is(document[name as keyof FlowDoc], flow[name as keyof FlowDoc]));
}

const PLACED = new WeakMap<Checked, readonly PlacedProblem[]>();
/** In the words of a page, by what says them: every node of a canvas asks for the same ones. */
const WORDED = new WeakMap<readonly PlacedProblem[], { words: ReturnType<typeof useSaid>; problems: readonly PlacedProblem[] }>();
const NONE: readonly PlacedProblem[] = [];

/** Every problem that was found, with its place. */
export function problemsOf(checked: Checked | null): readonly PlacedProblem[] {
  if (checked === null) return NONE;
  const known = PLACED.get(checked) ?? placed(checked.verdict.problems, checked.document);
  PLACED.set(checked, known);
  return known;
}

export function useProblems(): readonly PlacedProblem[] {
  return inWords(problemsOf(useBuilder(checkedNow)), useSaid());
}

function inWords(problems: readonly PlacedProblem[], words: ReturnType<typeof useSaid>): readonly PlacedProblem[] {
  const known = WORDED.get(problems);
  if (known?.words === words) return known.problems;
  const worded = problems.map((problem) => ({ ...problem, message: words(problem.said) ?? problem.message }));
  WORDED.set(problems, { words, problems: worded });
  return worded;
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
  return fieldsInWords(useBuilder((state) => state.checked?.verdict.scope ?? null), useSaid());
}

const SCOPES = new WeakMap<Scope, { words: ReturnType<typeof useSaid>; scope: Scope }>();

function fieldsInWords(scope: Scope | null, words: ReturnType<typeof useSaid>): Scope | null {
  if (scope === null) return null;
  const known = SCOPES.get(scope);
  if (known?.words === words) return known.scope;
  const fields = scope.fields.map((list) => list.map((field) => ({ ...field, about: words(field.said) ?? field.about })));
  const worded = { ...scope, fields };
  SCOPES.set(scope, { words, scope: worded });
  return worded;
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
