// What has been typed into the console, kept in this browser until it is sent.
import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { components } from "@/shared/api/schema";
import { MOST_MESSAGES, type Asked } from "@/shared/asked-again";

export type RunRequest = components["schemas"]["RunRequest"];
export type ExecutionRequest = components["schemas"]["ExecutionRequest"];
export type Mode = "orchestrated" | "direct";
type Message = components["schemas"]["Message"];

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
  /** The question that was sent last, or taken from a run: it stands there, and nothing is lost of it here. */
  sent: string;
  /** What was asked and answered before, where the question follows on from that. */
  history: readonly Message[];
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
  sent: "",
  history: [],
};

interface DraftStore extends Draft {
  change: (changes: Partial<Draft & { replaced: null }>) => void;
  /** What stood here before a run's question came in its place; null where nothing was lost by that. */
  replaced: Draft | null;
  /** Puts what a run was asked in the place of what is written here. */
  take: (asked: Asked) => void;
  /** Has the next question follow on from one that a model has answered; what is written of it already stays. */
  followUp: (asked: ExecutionRequest, answer: string) => void;
  /** Brings back what that was put in the place of. */
  bringBack: () => void;
}

/** Read back from the browser with `useDraft.persist.rehydrate()`, once the page is alive. */
export const useDraft = create<DraftStore>()(
  persist(
    (set) => ({
      ...EMPTY,
      change: set,
      replaced: null,
      take: (asked) =>
        set((store) => {
          const taken = draftOf(asked);
          const isLoss = !["", store.sent.trim(), taken.question.trim()].includes(store.question.trim());
          return { ...taken, sent: taken.question || store.sent, replaced: isLoss ? written(store) : store.replaced };
        }),
      followUp: ({ prompt, history = [] }, answer) =>
        set(({ question }) => ({
          history: [...history, { role: "user", content: prompt }, { role: "assistant", content: answer }].slice(-MOST_MESSAGES),
          question: question === prompt ? "" : question,
          sent: prompt,
        })),
      bringBack: () => set(({ replaced }) => ({ ...replaced, replaced: null })),
    }),
    { name: "agent-lab.console", version: 1, skipHydration: true, partialize: written },
  ),
);

function written({ change: _c, replaced: _r, take: _t, followUp: _f, bringBack: _b, ...draft }: DraftStore): Draft {
  return draft;
}

/** The draft that would ask the same, of the flow as it is published now; a bound on turns has no field here. */
export function draftOf({ flow, prompt, inputs, options }: Asked): Omit<Draft, "sent"> {
  const typed = (value: number | null) => (value === null ? "" : String(value));
  return {
    mode: "orchestrated",
    question: prompt,
    flow: flow.split("@")[0] ?? flow,
    inputs: { ...inputs },
    model: options.model ?? "",
    models: { ...options.models },
    strategy: options.strategy ?? "",
    temperature: typed(options.temperature),
    maxTokens: typed(options.max_tokens),
    seed: typed(options.seed),
    promptLanguage: options.language,
    maxCostUsd: typed(options.limits.max_cost_usd),
    timeoutS: typed(options.limits.timeout_s),
    maxAllTokens: typed(options.limits.max_tokens),
    history: options.history.slice(-MOST_MESSAGES).map((turn) => ({ ...turn, images: [...turn.images], tool_calls: [...turn.tool_calls] })),
  };
}

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
      history: [...draft.history],
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
    history: [...draft.history],
  };
}

/** Of what was typed for other flows too, what this one has and is not empty. */
function only(values: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (values[name] ? [[name, values[name]]] : [])));
}
