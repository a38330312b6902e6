// Finds what nodes said last: in the run that is looked at, else in the newest one of the flow in which they had a turn.
import type { QueryClient } from "@tanstack/react-query";
import { api, told } from "@/shared/api/client";
import type { Pins } from "../watch/asked";

const LOOKED_AT = 5;

/** Null where no run of the flow has any of it. */
export async function latestPins(client: QueryClient, flowId: string, watched: string | null, nodes: readonly string[]): Promise<Pins | null> {
  const query = { flow: flowId, trial: false, limit: LOOKED_AT };
  const { runs } = await client.fetchQuery({
    queryKey: ["runs", "of", flowId],
    queryFn: () => told(api.GET("/api/runs", { params: { query } })),
    staleTime: 0,
  });
  const ids = [...new Set([...(watched === null ? [] : [watched]), ...runs.map(({ run_id }) => run_id)])];
  for (const run_id of ids) {
    const view = await told(api.GET("/api/runs/{run_id}", { params: { path: { run_id } } }));
    const said = (view.nodes ?? []).filter(({ id, status }) => nodes.includes(id) && status === "completed");
    if (said.length > 0) return Object.fromEntries(said.map(({ id, text, fields }) => [id, { text: text ?? "", fields: fields ?? {} }]));
  }
  return null;
}
