// A copy of a flow under an id that nobody has.
import type { QueryClient } from "@tanstack/react-query";
import { flowsQuery } from "@/shared/api/endpoints";
import { freeId, type FlowDoc, type Text } from "../document";

/** `nameOf`: what a copy of something of that name is called. */
export async function copyOf(client: QueryClient, flow: FlowDoc, nameOf: (name: string) => string): Promise<FlowDoc> {
  const { flows } = await client.fetchQuery({ ...flowsQuery, staleTime: 0 });
  const id = freeId(new Set([...flows.map((one) => one.id), flow.id]), `${flow.id}_copy`);
  return { ...flow, id, name: copiedName(flow.name, nameOf) };
}

function copiedName(name: Text, nameOf: (name: string) => string): Text {
  if (typeof name === "string") return nameOf(name);
  return Object.fromEntries(Object.entries(name).map(([language, one]) => [language, nameOf(one)]));
}
