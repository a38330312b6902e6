// What today has cost so far.
import { queryOptions } from "@tanstack/react-query";
import { api, told } from "@/shared/api/client";

export const spendingQuery = queryOptions({
  queryKey: ["spending", 1],
  queryFn: ({ signal }) => told(api.GET("/api/spending", { params: { query: { days: 1 } }, signal })),
});
