// What has been typed into the console, kept in this browser until it is sent.
import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { components } from "@/shared/api/schema";

export type RunRequest = components["schemas"]["RunRequest"];
export type ExecutionRequest = components["schemas"]["ExecutionRequest"];
export type Mode = "orchestrated" | "direct";

/** Numbers stay as they were typed, so that nothing is lost while they are none yet. */
export interface Draft {
  mode: Mode;
  question: string;
  flow: string;
  inputs: Record<string, string>;
  model: string;
  models: Record<string, string>;
  strategy: string;
  temperature: string;
  maxTokens: string;
  seed: string;
  promptLanguage: "en" | "es" | "";
  maxCostUsd: string;
  timeoutS: string;
  maxAllTokens: string;
}

export const EMPTY: Draft = {
  mode: "orchestrated",
  question: "",
  flow: "challenge",
  inputs: {},
  model: "",
  models: {},
  strategy: "",
  temperature: "",
  maxTokens: "",
  seed: "",
  promptLanguage: "",
  maxCostUsd: "",
  timeoutS: "",
  maxAllTokens: "",
};

interface DraftStore extends Draft {
  change: (changes: Partial<Draft>) => void;
}

/** Read back from the browser with `useDraft.persist.rehydrate()`, once the page is alive. */
export const useDraft = create<DraftStore>()(
  persist((set) => ({ ...EMPTY, change: set }), {
    name: "agent-lab.console",
    version: 1,
    skipHydration: true,
    partialize: ({ change: _, ...draft }) => draft,
  }),
);

type NumberField = "temperature" | "maxTokens" | "seed" | "maxCostUsd" | "timeoutS" | "maxAllTokens";
const WHOLE: readonly NumberField[] = ["maxTokens", "seed", "maxAllTokens"];
const MAY_BE_ZERO: readonly NumberField[] = ["temperature", "seed", "maxCostUsd"];

/** The number that a field says: null where it says none, undefined where it is not one that would do. */
export function numberIn(draft: Draft, field: NumberField): number | null | undefined {
  const text = draft[field].trim().replace(",", ".");
  if (text === "") return null;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) return undefined;
  if (value === 0 && !MAY_BE_ZERO.includes(field)) return undefined;
  return WHOLE.includes(field) && !Number.isInteger(value) ? undefined : value;
}

export const NUMBER_FIELDS: readonly NumberField[] = [
  "temperature",
  "maxTokens",
  "seed",
  "maxCostUsd",
  "timeoutS",
  "maxAllTokens",
];

/** The fields whose numbers are none. */
export function wrongFields(draft: Draft): NumberField[] {
  return NUMBER_FIELDS.filter((field) => numberIn(draft, field) === undefined);
}

/** The word that says what such a field takes. */
export function wordFor(field: NumberField) {
  const isFromZero = MAY_BE_ZERO.includes(field);
  if (WHOLE.includes(field)) return isFromZero ? "not_whole_from_zero" : "not_whole";
  return isFromZero ? "not_a_number_from_zero" : "not_a_number";
}

/** The run that the draft asks for; `roles` and `inputs` are those that the flow has. */
export function runRequest(draft: Draft, flow: { roles: readonly string[]; inputs: readonly string[] }, language: "en" | "es"): RunRequest {
  const number = (field: NumberField) => numberIn(draft, field) ?? null;
  return {
    flow: draft.flow,
    prompt: draft.question,
    inputs: only(draft.inputs, flow.inputs),
    options: {
      model: draft.model || null,
      models: only(draft.models, flow.roles),
      strategy: draft.strategy || null,
      temperature: number("temperature"),
      max_tokens: number("maxTokens"),
      seed: number("seed"),
      language: draft.promptLanguage || language,
      history: [],
      limits: {
        max_cost_usd: number("maxCostUsd"),
        timeout_s: number("timeoutS"),
        max_tokens: number("maxAllTokens"),
        max_steps: null,
      },
    },
  };
}

/** The question to one model that the draft asks for. */
export function directRequest(draft: Draft): ExecutionRequest {
  return {
    mode: "direct",
    prompt: draft.question,
    model: draft.model || null,
    strategy: draft.strategy || null,
    temperature: numberIn(draft, "temperature") ?? null,
    max_tokens: numberIn(draft, "maxTokens") ?? null,
    seed: numberIn(draft, "seed") ?? null,
  };
}

/** Of what was typed for other flows too, what this one has and is not empty. */
function only(values: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (values[name] ? [[name, values[name]]] : [])));
}
