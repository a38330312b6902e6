// A question about the choice of a model, from what was typed to what the server takes; pure.
import type { components } from "@/shared/api/schema";

export type Candidate = components["schemas"]["CandidateEntry"];

export const TASKS = ["chat", "code", "math", "reasoning", "vision", "tools", "structured", "long-context"] as const;

export interface Asked {
  prompt: string;
  model: string;
  task: string;
  max_usd: string;
  max_seconds: string;
  max_gb: string;
  max_tokens: string;
}

export const BLANK: Asked = { prompt: "", model: "", task: "", max_usd: "", max_seconds: "", max_gb: "", max_tokens: "" };

type Limit = "max_usd" | "max_seconds" | "max_gb" | "max_tokens";
const LIMITS: readonly Limit[] = ["max_usd", "max_seconds", "max_gb", "max_tokens"];

/** The number that was typed, with a comma or a point; null where nothing was, undefined where it is none. */
export function numberIn(text: string): number | null | undefined {
  if (!text.trim()) return null;
  const value = Number(text.trim().replace(",", "."));
  return Number.isFinite(value) ? value : undefined;
}

/** The fields that the server would not take: bounds are above zero, a budget may be zero, tokens are whole. */
export function wrongIn(asked: Asked): Set<Limit> {
  return new Set(LIMITS.filter((limit) => !isBound(limit, numberIn(asked[limit]))));
}

function isBound(limit: Limit, value: number | null | undefined): boolean {
  if (value === null) return true;
  if (value === undefined) return false;
  if (limit === "max_tokens" && !Number.isInteger(value)) return false;
  return limit === "max_usd" ? value >= 0 : value > 0;
}

/** As `POST /models/why` has it. A request needs a prompt; any short one stands for one that is not written yet. */
export function whyRequest(asked: Asked): components["schemas"]["WhyRequest"] {
  return {
    prompt: asked.prompt.trim() || "?",
    model_key: asked.model || null,
    task_type: asked.task || null,
    constraints: {
      cost_budget_usd: numberIn(asked.max_usd) ?? null,
      latency_budget_s: numberIn(asked.max_seconds) ?? null,
      max_vram_gb: numberIn(asked.max_gb) ?? null,
      max_tokens: numberIn(asked.max_tokens) ?? null,
    },
  };
}

export interface Group {
  /** The place of its first one, from 1 on. */
  from: number;
  keys: string[];
  taken: boolean;
  reason: string;
}

/** Candidates that follow each other for the same reason, together. */
export function grouped(candidates: readonly Candidate[]): Group[] {
  const groups: Group[] = [];
  candidates.forEach(({ key, taken, reason }, index) => {
    const last = groups.at(-1);
    if (last !== undefined && !taken && !last.taken && last.reason === reason) last.keys.push(key);
    else groups.push({ from: index + 1, keys: [key], taken, reason });
  });
  return groups;
}
