// What can be done with a run, and what the server says of it before.
import { queryOptions, useMutation, useQueryClient, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { api, told } from "@/shared/api/client";
import type { RunRow } from "@/shared/api/endpoints";
import { once } from "@/shared/api/once";
import type { components } from "@/shared/api/schema";
import type { RunView } from "@/run/events";

export type ForkRequest = components["schemas"]["ForkRequest"];
export type ForkPreview = components["schemas"]["ForkPreview"];
export type RunBeginning = components["schemas"]["RunBeginning"];
export type RunPage = components["schemas"]["RunPage"];
export type Status = RunView["status"];
export type Steering = "cancel" | "pause" | "resume";

const ENDS: readonly Status[] = ["completed", "declined", "failed", "cancelled", "limit_exceeded"];
const BAD_ENDS: readonly Status[] = ["failed", "cancelled", "limit_exceeded"];

export const hasEnded = (status: Status) => ENDS.includes(status);
/** Whether a run can be taken up from where it broke. */
export const canRetry = (status: Status) => BAD_ENDS.includes(status);
export const canPause = (status: Status) => status === "running";
export const canResume = (status: Status) => status === "paused";

/** What a run was started with: the flow as it was then, and the request. */
export const beginningQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run", runId, "beginning"],
    queryFn: ({ signal }) => told(api.GET("/api/runs/{run_id}/beginning", { params: { path: { run_id: runId } }, signal })),
    staleTime: Infinity,
  });

/** What that fork would take. */
export const previewQuery = (runId: string, fork: ForkRequest) =>
  queryOptions({
    queryKey: ["run", runId, "preview", fork],
    queryFn: ({ signal }) =>
      told(api.POST("/api/runs/{run_id}/fork/preview", { params: { path: { run_id: runId } }, body: fork, signal })),
    staleTime: 60_000,
    retry: false,
  });

/** A change in every list of runs that this page keeps. */
export function patchRuns(client: QueryClient, change: (run: RunRow) => RunRow): void {
  client.setQueriesData<RunPage | InfiniteData<RunPage> | undefined>({ queryKey: ["runs"] }, (kept) => {
    if (kept === undefined) return kept;
    if ("pages" in kept) return { ...kept, pages: kept.pages.map((page) => ({ ...page, runs: page.runs.map(change) })) };
    return "runs" in kept ? { ...kept, runs: kept.runs.map(change) } : kept;
  });
}

const EXPECTED: Record<Steering, Status> = { cancel: "cancelled", pause: "paused", resume: "running" };

interface Steered {
  run_id: string;
  /** As it was: what the lists go back to where the server refuses. */
  status: Status;
  verb: Steering;
}

/** Stop a run, pause it, take it up. The lists show it at once, and take it back where the server refuses. */
export function useSteer(onRefused?: (error: Error) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ run_id, verb }: Steered) => {
      const params = { path: { run_id } };
      if (verb === "cancel") return told(api.POST("/api/runs/{run_id}/cancel", { params }));
      if (verb === "pause") return told(api.POST("/api/runs/{run_id}/pause", { params }));
      return told(api.POST("/api/runs/{run_id}/resume", { params }));
    },
    onMutate: ({ run_id, verb }) => {
      patchRuns(client, (run) => (run.run_id === run_id ? { ...run, status: EXPECTED[verb] } : run));
    },
    onSuccess: (told) => {
      patchRuns(client, (run) => (run.run_id === told.run_id ? { ...run, ...told, prompt: run.prompt } : run));
    },
    onError: (error, { run_id, status, verb }) => {
      // What was learnt meanwhile stays: a run that could not be stopped because it had ended has ended.
      const isGuess = (run: RunRow) => run.run_id === run_id && run.status === EXPECTED[verb];
      patchRuns(client, (run) => (isGuess(run) ? { ...run, status } : run));
      onRefused?.(error);
    },
  });
}

/** Run it again from where it broke. Gives the new run. What was refused is told also where the run's row or menu is gone by then. */
export function useRetry(onBegun: (run: RunRow) => void, onRefused: (error: Error) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (runId: string) =>
      once("retry", runId, (key) =>
        told(api.POST("/api/runs/{run_id}/retry", { params: { path: { run_id: runId } }, headers: { "Idempotency-Key": key } })),
      ),
    retry: (count, error) => error.name === "Unreachable" && count < 2,
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: ["runs", "latest"] });
      onBegun(run);
    },
    onError: onRefused,
  });
}

/** Run it again with a change. The same change is never two runs, also where somebody presses again because no answer came. */
export function useFork(runId: string, onBegun: (run: RunRow) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (fork: ForkRequest) =>
      once("fork", [runId, fork], (key) =>
        told(
          api.POST("/api/runs/{run_id}/fork", {
            params: { path: { run_id: runId } },
            body: fork,
            headers: { "Idempotency-Key": key },
          }),
        ),
      ),
    retry: (count, error) => error.name === "Unreachable" && count < 2,
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: ["runs", "latest"] });
      onBegun(run);
    },
  });
}

/** Answer a node that waits for a person. */
export function useAnswer(runId: string, onAnswered?: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ node, visit, text }: { node: string; visit: number; text: string }) =>
      told(api.POST("/api/runs/{run_id}/answer", { params: { path: { run_id: runId } }, body: { node, visit, text } })),
    // A turn takes one answer: the same one again does no harm.
    retry: (count, error) => error.name === "Unreachable" && count < 2,
    onSuccess: (told) => {
      patchRuns(client, (run) => (run.run_id === told.run_id ? { ...run, status: told.status } : run));
      void client.invalidateQueries({ queryKey: ["run", runId] });
      onAnswered?.();
    },
  });
}
