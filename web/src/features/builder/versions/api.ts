"use client";

// What the builder asks of the server about a flow's versions, and how it publishes, rolls back and compares.
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, told, toldWith } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";
import { readDocument, sameDocument } from "../document";
import { useBuilderStore, type Builder } from "../store";

export type VersionEntry = components["schemas"]["VersionEntry"];
export type Difference = components["schemas"]["FlowDifference"];
export type NodeChange = components["schemas"]["NodeChange"];
export type Change = components["schemas"]["Change"];

export const versionsQuery = (flowId: string) =>
  infiniteQueryOptions({
    queryKey: ["flows", flowId, "versions"],
    queryFn: ({ pageParam, signal }) =>
      told(
        api.GET("/api/flows/{flow_id}/versions", {
          params: { path: { flow_id: flowId }, query: { limit: 30, ...(pageParam !== null && { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next_cursor ?? null,
    staleTime: 0,
  });

export const differenceQuery = (flowId: string, from: string, to: string) =>
  queryOptions({
    queryKey: ["flows", flowId, "difference", from, to],
    queryFn: ({ signal }) =>
      told(api.GET("/api/flows/{flow_id}/difference", { params: { path: { flow_id: flowId }, query: { from, to } }, signal })),
    staleTime: 0,
  });

type Edit = "publish" | "withdraw" | "rollback";

/** Publish a version, publish none, go back to one. What is edited is saved first. Gives the flow as it stands then. */
export function useEditVersions(onDone: (verb: Edit, version: number | null) => void) {
  const store = useBuilderStore();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ verb, version }: { verb: Edit; version: number | null }) =>
      // A save on its way at the same time would be the other's change of the flow.
      store.getState().alone(async () => {
        const { flowId, saving } = store.getState();
        const params = { path: { flow_id: flowId }, header: { "if-match": saving.kept.etag } };
        if (verb === "rollback") {
          await toldWith(api.POST("/api/flows/{flow_id}/rollback", { params, body: { version: version ?? 1 } }));
        } else {
          await toldWith(api.POST("/api/flows/{flow_id}/publish", { params, body: { version } }));
        }
        await takeUp(store, verb);
        return { verb, version };
      }),
    onSuccess: ({ verb, version }) => {
      void client.invalidateQueries({ queryKey: ["flows"] });
      onDone(verb, version);
    },
  });
}

/** Go on from what stands on the server now. A roll-back changes what is edited, and undo has it back; what was typed
 * while a version was published stays. */
async function takeUp(store: Builder, verb: Edit): Promise<void> {
  const { flowId, edit, saves } = store.getState();
  const params = { path: { flow_id: flowId }, query: { version: "draft" } };
  const { data, headers } = await toldWith(api.GET("/api/flows/{flow_id}", { params }));
  const document = readDocument(data);
  if (document === null) return;
  if (verb === "rollback") edit((now) => (sameDocument(document, now) ? now : document));
  saves({ is: "adopted", kept: { document, etag: headers.get("etag") ?? "" } });
}
