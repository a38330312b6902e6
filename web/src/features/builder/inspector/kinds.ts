// The kinds of node that there are here, and what their settings may name.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, told } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";
import { settingsOf, type Schema, type Setting } from "./controls";

export type Kind = components["schemas"]["KindEntry"];

export const kindsQuery = queryOptions({
  queryKey: ["node-kinds"],
  queryFn: ({ signal }) => told(api.GET("/api/node-kinds", { signal })),
  staleTime: 5 * 60_000,
});

/** One kind with its settings; null while it is not known, or where there is none of that name. */
export function useKind(name: string): { kind: Kind; settings: readonly Setting[] } | null {
  const { data } = useQuery(kindsQuery);
  return useMemo(() => {
    const kind = data?.kinds.find((one) => one.name === name);
    return kind === undefined || data === undefined ? null : { kind, settings: settingsOf(data.schema as Schema, name, kind.templates) };
  }, [data, name]);
}
