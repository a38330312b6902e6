// Which models of the registry are shown, in which order, and how each stands; pure.
import type { Model } from "@/shared/api/endpoints";

export type Standing = "loading" | "in_memory" | "left_alone" | "ready" | "to_fetch" | "not_usable";
export type Breaker = "closed" | "open" | "half-open" | "cooling" | null;
export type Shown = "all" | "usable" | "in_memory";

export interface Filter {
  words: string;
  /** Empty: every one. */
  provider: string;
  shown: Shown;
}

export const EVERYTHING: Filter = { words: "", provider: "", shown: "all" };

/** How a model stands, the most pressing first. */
export function standingOf(model: Model, breaker: Breaker, isLoading: boolean): Standing {
  if (isLoading || model.loading !== null) return "loading";
  if (model.loaded) return "in_memory";
  if (!model.usable) return "not_usable";
  if (breaker === "open" || breaker === "cooling") return "left_alone";
  return model.on_disk === false ? "to_fetch" : "ready";
}

const ORDER: Record<Standing, number> = { loading: 0, in_memory: 1, left_alone: 2, ready: 2, to_fetch: 3, not_usable: 4 };

/** What is at hand comes first; within that the order of the files. */
export function sorted(models: readonly Model[]): Model[] {
  return [...models].sort((a, b) => ORDER[standingOf(a, null, false)] - ORDER[standingOf(b, null, false)]);
}

/** Every word must be found in what the row says of itself. */
export function matching(models: readonly Model[], { words, provider, shown }: Filter): Model[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => {
    if (provider && model.provider !== provider) return false;
    if (shown === "usable" && !model.usable) return false;
    if (shown === "in_memory" && !model.loaded && model.loading === null) return false;
    const text = [model.key, model.name, model.family, model.provider, model.model_id, ...model.capabilities].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

export function providersOf(models: readonly Model[]): string[] {
  return [...new Set(models.map((model) => model.provider))].sort();
}
