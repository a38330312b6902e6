// What was measured over time, what is wrong now, and what was spent by day.
import { queryOptions } from "@tanstack/react-query";
import { api, told } from "./client";
import type { components } from "./schema";

export type MetricsHistory = components["schemas"]["MetricsHistory"];
export type Alert = components["schemas"]["Alert"];
export type ModelRow = components["schemas"]["ModelRow"];
export type Range = MetricsHistory["range"];
export type Breaker = MetricsHistory["breakers"][string];

/** How often a range is asked for again while it is looked at: as often as it has something new to say. */
const EVERY_MS: Record<Range, number> = {
  "15m": 5_000,
  "1h": 5_000,
  "6h": 30_000,
  "24h": 60_000,
  "7d": 60_000,
  "30d": 60_000,
};
const ALERTS_EVERY_MS = 15_000;
const SPENDING_EVERY_MS = 60_000;

/** The range that ends now; with a model, calls, tokens and latencies are those of it alone. */
export const historyQuery = (range: Range, model: string | null) =>
  queryOptions({
    queryKey: ["metrics", "history", range, model],
    queryFn: ({ signal }) =>
      told(
        api.GET("/api/metrics/history", {
          params: { query: { range, ...(model !== null && { model }) } },
          signal,
        }),
      ),
    refetchInterval: EVERY_MS[range],
    staleTime: EVERY_MS[range] / 2,
  });

/** All that is wrong now, the worst first. */
export const alertsQuery = queryOptions({
  queryKey: ["metrics", "alerts"],
  queryFn: ({ signal }) => told(api.GET("/api/metrics/alerts", { signal })),
  refetchInterval: ALERTS_EVERY_MS,
});

/** What each model cost on each of the last days. */
export const spendingQuery = (days: number) =>
  queryOptions({
    queryKey: ["spending", days],
    queryFn: ({ signal }) => told(api.GET("/api/spending", { params: { query: { days } }, signal })),
    refetchInterval: SPENDING_EVERY_MS,
  });
