// The newest badge of each flow: whether it was worth its price.
import { queryOptions } from "@tanstack/react-query";
import { api, told } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";

export type FlowBadge = components["schemas"]["Badge"];

/** Of all flows at once: each place that shows one takes its own from it. */
export const badgesQuery = queryOptions({
  queryKey: ["badges"],
  queryFn: ({ signal }) => told(api.GET("/api/badges", { signal })),
  staleTime: 60_000,
  retry: false,
});
