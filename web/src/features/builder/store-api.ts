// What the builder asks of the server about one flow: its draft, and to keep it.
import { api, toldWith } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";
import { readDocument, type FlowDoc } from "./document";

export type FlowEntry = components["schemas"]["FlowEntry"];

export interface OpenedFlow {
  /** The document as the server has it. */
  readonly document: unknown;
  /** The same as it can be edited; null where it cannot be drawn. */
  readonly flow: FlowDoc | null;
  /** Null for a flow of the library or of a file: it is not stored. */
  readonly etag: string | null;
}

/** The newest version of a stored flow; the document itself of any other. */
export async function readFlow(id: string, signal?: AbortSignal): Promise<OpenedFlow> {
  const { data, headers } = await toldWith(
    api.GET("/api/flows/{flow_id}", {
      params: { path: { flow_id: id }, query: { version: "draft" } },
      ...(signal && { signal }),
    }),
  );
  return { document: data, flow: readDocument(data), etag: headers.get("etag") };
}

/** Keep a document as the newest version; answers its ETag. Raises ApiProblem with status 412 where somebody was first. */
export async function saveFlow(flow: FlowDoc, etag: string, autosave: boolean): Promise<string> {
  const { headers } = await toldWith(
    api.PUT("/api/flows/{flow_id}", {
      params: { path: { flow_id: flow.id }, query: { autosave }, header: { "if-match": etag } },
      body: asBody(flow),
    }),
  );
  return headers.get("etag") ?? "";
}

/** Store a document under an id that is free. */
export async function createFlow(flow: FlowDoc, note?: string): Promise<FlowEntry> {
  const query = note === undefined ? {} : { note };
  return (await toldWith(api.POST("/api/flows", { params: { query }, body: asBody(flow) }))).data;
}

/** A document as the API's types want it: any JSON. */
function asBody(flow: FlowDoc): Record<string, never> {
  return flow as unknown as Record<string, never>;
}
