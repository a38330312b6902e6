"use client";

// What is asked of the flow that is open, and which runs of it are looked at: kept while one moves about in the builder.
import { create } from "zustand";
import type { components } from "@/shared/api/schema";

export type Language = "en" | "es";
export type Pins = Readonly<Record<string, { readonly text: string; readonly fields: Readonly<Record<string, unknown>> }>>;

export interface Asked {
  readonly question: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** "": that of the app. */
  readonly language: Language | "";
  /** The run that the canvas shows. */
  readonly runId: string | null;
}

export interface Tried {
  readonly pins: Pins;
  readonly runId: string | null;
}

interface AskedState {
  readonly flows: Readonly<Record<string, Asked>>;
  readonly trials: Readonly<Record<string, Tried>>;
}

const NOTHING: Asked = { question: "", inputs: {}, language: "", runId: null };
const UNTRIED: Tried = { pins: {}, runId: null };

const useAskedState = create<AskedState>(() => ({ flows: {}, trials: {} }));

export function useAsked(flowId: string): Asked {
  return useAskedState((state) => state.flows[flowId] ?? NOTHING);
}

export function ask(flowId: string, change: Partial<Asked>): void {
  useAskedState.setState(({ flows }) => ({ flows: { ...flows, [flowId]: { ...(flows[flowId] ?? NOTHING), ...change } } }));
}

export function useTried(flowId: string, node: string): Tried {
  return useAskedState((state) => state.trials[`${flowId}/${node}`] ?? UNTRIED);
}

export function tryOut(flowId: string, node: string, change: (now: Tried) => Tried): void {
  const key = `${flowId}/${node}`;
  useAskedState.setState(({ trials }) => ({ trials: { ...trials, [key]: change(trials[key] ?? UNTRIED) } }));
}

export type RunRequest = components["schemas"]["RunRequest"];

/** What the server is asked: the draft of a stored flow, any other as it is. */
export function requestOf(flowId: string, isStored: boolean, asked: Asked, language: Language): RunRequest {
  return {
    flow: isStored ? `${flowId}@draft` : flowId,
    prompt: asked.question,
    inputs: Object.fromEntries(Object.entries(asked.inputs).filter(([, value]) => value !== "")),
    options: { language: asked.language || language, history: [], limits: {}, models: {} },
    pins: {},
  };
}
