// Every flow that there is, and what the list finds by a search.
import { queryOptions } from "@tanstack/react-query";
import { api, told } from "@/shared/api/client";
import { inLanguage } from "@/shared/flow/text";
import type { FlowEntry } from "../store-api";

const PAGE = 200;
const MOST_PAGES = 50;

export const allFlowsQuery = queryOptions({
  queryKey: ["flows", "all"],
  queryFn: async ({ signal }) => {
    const first = await page(undefined, signal);
    const flows = [...first.flows];
    let cursor = first.next_cursor;
    for (let count = 1; typeof cursor === "string" && count < MOST_PAGES; count += 1) {
      const next = await page(cursor, signal);
      flows.push(...next.flows);
      cursor = next.next_cursor;
    }
    return { flows, broken: first.broken };
  },
});

function page(cursor: string | undefined, signal: AbortSignal) {
  const query = { limit: PAGE, ...(cursor !== undefined && { cursor }) };
  return told(api.GET("/api/flows", { params: { query }, signal }));
}

export type Origin = FlowEntry["origin"] | "all";

/** Those of that origin whose name, id, description or roles hold every word. Your own come first, the newest before. */
export function found(flows: readonly FlowEntry[], words: string, origin: Origin, language: string): readonly FlowEntry[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (flow: FlowEntry) => {
    if (origin !== "all" && flow.origin !== origin && !(origin === "stored" && flow.newest !== null)) return false;
    const text = [flow.id, inLanguage(flow.name, language), inLanguage(flow.description, language), ...flow.roles].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  return flows.filter(fits).toSorted(byRank);
}

function byRank(one: FlowEntry, other: FlowEntry): number {
  const [a, b] = [one.updated_at ?? "", other.updated_at ?? ""];
  if (a !== b) return a > b ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}
