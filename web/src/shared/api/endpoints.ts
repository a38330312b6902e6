// What several screens ask of the server.
import { queryOptions } from "@tanstack/react-query";
import { api, told } from "./client";
import type { components } from "./schema";

export type Model = components["schemas"]["ModelEntry"];
export type RunRow = components["schemas"]["RunInfo"];

/** The registry of models, and the one that answers where none is named. */
export const modelsQuery = queryOptions({
  queryKey: ["models"],
  queryFn: ({ signal }) => told(api.GET("/models", { signal })),
});

/** For a list to choose from: those that can be asked first, then by name. Names are plain ASCII, and need no collation. */
export function usableFirst(models: readonly Model[]): Model[] {
  return [...models].sort((a, b) => Number(b.usable) - Number(a.usable) || (a.key < b.key ? -1 : 1));
}

/** The flows: of the library, of files, stored. */
export const flowsQuery = queryOptions({
  queryKey: ["flows"],
  queryFn: ({ signal }) => told(api.GET("/api/flows", { params: { query: { limit: 200 } }, signal })),
});

/** A flow's document, in the version that runs take. */
export const flowQuery = (id: string, version?: string) =>
  queryOptions({
    queryKey: ["flows", id, version ?? ""],
    queryFn: ({ signal }) =>
      told(
        api.GET("/api/flows/{flow_id}", {
          params: { path: { flow_id: id }, query: version === undefined ? {} : { version } },
          signal,
        }),
      ),
  });

/** The latest runs. */
export const latestRunsQuery = (limit: number) =>
  queryOptions({
    queryKey: ["runs", "latest", limit],
    queryFn: ({ signal }) => told(api.GET("/api/runs", { params: { query: { limit } }, signal })),
  });

/** Whether the server answers, who is in memory, how long the queue is. */
export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: ({ signal }) => told(api.GET("/health", { signal })),
});

/** The strategies that a request, a run or a node may name. They change with a restart of the server alone. */
export const strategiesQuery = queryOptions({
  queryKey: ["strategies"],
  queryFn: ({ signal }) => told(api.GET("/api/strategies", { signal })),
  staleTime: Infinity,
});
