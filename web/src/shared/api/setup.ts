// How the server is set up: its settings and its providers.
import { queryOptions } from "@tanstack/react-query";
import { api, told } from "./client";
import type { components } from "./schema";

export type Provider = components["schemas"]["ProviderEntry"];
export type ServerSettings = components["schemas"]["SettingsView"];

/** What was read from where, the limits in force, and what a newcomer still needs. */
export const settingsQuery = queryOptions({
  queryKey: ["settings"],
  queryFn: ({ signal }) => told(api.GET("/api/settings", { signal })),
});

/** Who serves the models, whose key is there, and which of their models are left alone now. */
export const providersQuery = queryOptions({
  queryKey: ["providers"],
  queryFn: ({ signal }) => told(api.GET("/api/providers", { signal })),
});
