// What the console asks of the server: what a run may take, to start it, to ask one model.
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, told } from "@/shared/api/client";
import { once } from "@/shared/api/once";
import type { ExecutionRequest, RunRequest } from "./draft";

/** The most that this run may take. */
export const estimateQuery = (request: RunRequest) =>
  queryOptions({
    queryKey: ["estimate", request],
    queryFn: ({ signal }) => told(api.POST("/api/runs/estimate", { body: request, signal })),
    staleTime: 60_000,
    retry: false,
  });

/** Starts a run. The same request is never two runs, also where somebody presses again because no answer came. */
export function useStart(onStarted: (runId: string, asked: RunRequest) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: RunRequest) =>
      once("run", request, (key) => told(api.POST("/api/runs", { body: request, headers: { "Idempotency-Key": key } }))),
    retry: (count, error) => error.name === "Unreachable" && count < 2,
    onSuccess: (run, request) => {
      void client.invalidateQueries({ queryKey: ["runs"] });
      onStarted(run.run_id, request);
    },
  });
}

/** Asks one model. `signal` ends its work. */
export function useDirect() {
  return useMutation({
    mutationFn: ({ request, signal }: { request: ExecutionRequest; signal: AbortSignal }) =>
      told(api.POST("/api/v1/execute", { body: request, signal })),
  });
}
