// What the comparison asks of the server.
import { queryOptions } from "@tanstack/react-query";
import { api, told } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";

export type Comparison = components["schemas"]["RunComparison"];
export type NodeComparison = components["schemas"]["NodeComparison"];
export type NodeSide = components["schemas"]["NodeSide"];
export type Change = components["schemas"]["Change"];
export type Run = components["schemas"]["RunView"];

/** A run that goes on is looked at again: its figures are not the last ones. */
const GOING_MS = 5_000;

export const comparisonQuery = (left: string, right: string) =>
  queryOptions({
    queryKey: ["run", left, "compare", right],
    queryFn: ({ signal }) =>
      told(api.GET("/api/runs/{run_id}/compare/{other_id}", { params: { path: { run_id: left, other_id: right } }, signal })),
    refetchInterval: (query) =>
      query.state.data && [query.state.data.left, query.state.data.right].some(({ status }) => GOING_ON.includes(status)) ? GOING_MS : false,
  });

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id, "view"],
    queryFn: ({ signal }) => told(api.GET("/api/runs/{run_id}", { params: { path: { run_id: id } }, signal })),
    refetchInterval: (query) => (query.state.data && GOING_ON.includes(query.state.data.status) ? GOING_MS : false),
  });

const GOING_ON: readonly string[] = ["queued", "running", "waiting", "paused"];
