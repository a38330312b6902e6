// Loads a model and hears how far it is, as server-sent events: a load goes on whoever leaves, so it is kept for all parts
// of the screen.
import { useQueryClient } from "@tanstack/react-query";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { create } from "zustand";
import { API_URL, ask } from "@/shared/api/client";
import { problemOf, Unreachable, type ProblemDocument } from "@/shared/api/problem";
import { noteError } from "@/shared/api/queries";
import { lookAgain, type LoadState } from "./memory";

export interface Wish {
  key: string;
  strategy: string | null;
  pin: boolean;
}

export interface Loading {
  /** What was asked for here. */
  wish: Wish;
  /** None until the server says how far it is. */
  state: LoadState | null;
  error: unknown;
}

export const useLoadings = create<Record<string, Loading>>(() => ({}));

/** Begin to load a model, or join whoever loads it. */
export function useLoad(): (wish: Wish) => Promise<void> {
  const client = useQueryClient();
  return async (wish) => {
    if (isGoing(useLoadings.getState()[wish.key])) return;
    note({ wish, state: null, error: null });
    try {
      for await (const state of progress(wish)) note({ wish, state, error: null });
      await lookAgain(client);
      forget(wish.key);
    } catch (error) {
      noteError(error);
      note({ wish, state: null, error });
      await lookAgain(client);
    }
  };
}

/** Take the error of a load that failed out of sight. */
export function forget(key: string): void {
  useLoadings.setState(({ [key]: _, ...others }) => others, true);
}

export function isGoing(loading: Loading | undefined): boolean {
  return loading !== undefined && loading.error === null;
}

function note(loading: Loading): void {
  useLoadings.setState({ [loading.wish.key]: loading });
}

async function* progress({ key, strategy, pin }: Wish): AsyncGenerator<LoadState> {
  const response = await ask(`${API_URL}/models/${encodeURIComponent(key)}/load`, {
    method: "POST",
    headers: { Accept: "text/event-stream", "Content-Type": "application/json" },
    body: JSON.stringify({ strategy, pin }),
  });
  if (!response.ok || response.body === null) throw await refusal(response);
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  const reader = events.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const { event, data } = next.value;
    if (event === "progress") yield JSON.parse(data) as LoadState;
    if (event === "ready") return;
    if (event === "error") throw failure(JSON.parse(data) as ProblemDocument);
  }
  // It goes on or not: whoever asks again joins it where it does.
  throw new Unreachable("The stream ended before the model was ready.");
}

function failure(problem: ProblemDocument): Error {
  return problemOf(problem.status, problem, problem.request_id);
}

async function refusal(response: Response): Promise<Error> {
  const body: unknown = await response.json().catch(() => null);
  return problemOf(response.status, body, response.headers.get("x-request-id"));
}

/** How much of it is there, 0 to 1; null while that cannot be told. */
export function shareOf(state: LoadState | null): number | null {
  if (state === null || state.total_bytes === null || state.total_bytes === 0) return null;
  return Math.min(1, state.done_bytes / state.total_bytes);
}
