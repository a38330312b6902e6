// How the server is set up: its settings, its providers, and what requests may choose from besides models.
import { queryOptions } from "@tanstack/react-query";
import { api, told } from "./client";
import type { components } from "./schema";

export type Provider = components["schemas"]["ProviderEntry"];
export type ServerSettings = components["schemas"]["SettingsView"];
export type Strategy = components["schemas"]["StrategyDetails"];

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

/** How models are loaded and sample. They change with a restart of the server alone. */
export const strategiesQuery = queryOptions({
  queryKey: ["strategies"],
  queryFn: ({ signal }) => told(api.GET("/api/strategies", { signal })),
  staleTime: Infinity,
});

/** The tools that flows may use. They change with a restart of the server alone. */
export const toolsQuery = queryOptions({
  queryKey: ["tools"],
  queryFn: ({ signal }) => told(api.GET("/api/tools", { signal })),
  staleTime: Infinity,
});
