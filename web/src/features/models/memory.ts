// What is in memory and what can be done about it: load, unload, pin, clear. A change shows at once, and is taken back
// where the server refuses it.
import { queryOptions, useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useSentence } from "@/shared/ui/problem";
import { api, told } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";
import { toast } from "@/shared/ui/toast";

export type Cache = components["schemas"]["CacheStatus"];
export type Resident = components["schemas"]["CachedModel"];
export type LoadState = components["schemas"]["LoadState"];

const LOOK_MS = 2_000;

/** Looked at again and again while the page is in sight. */
export const cacheQuery = queryOptions({
  queryKey: ["cache"],
  queryFn: ({ signal }) => told(api.GET("/cache", { signal })),
  refetchInterval: LOOK_MS,
});

/** Ask again for all that a change of the memory changes. */
export function lookAgain(client: QueryClient): Promise<unknown> {
  return Promise.all([
    client.invalidateQueries({ queryKey: cacheQuery.queryKey }),
    client.invalidateQueries({ queryKey: ["models"] }),
  ]);
}

/** The cache without those models. */
export function without(cache: Cache, gone: (model: Resident) => boolean): Cache {
  return { ...cache, models: cache.models.filter((model) => !gone(model)) };
}

/** The cache with one model pinned or not. */
export function pinnedIn(cache: Cache, key: string, pinned: boolean): Cache {
  return { ...cache, models: cache.models.map((model) => (model.model_key === key ? { ...model, pinned } : model)) };
}

/** A change of the memory: `foreseen` is how the cache will look once the server has done it. */
function useChange<Asked>(ask: (asked: Asked) => Promise<unknown>, foreseen: (cache: Cache, asked: Asked) => Cache) {
  const client = useQueryClient();
  const sentence = useSentence();
  return useMutation({
    mutationFn: ask,
    onMutate: async (asked: Asked) => {
      await client.cancelQueries({ queryKey: cacheQuery.queryKey });
      const before = client.getQueryData(cacheQuery.queryKey);
      if (before !== undefined) client.setQueryData(cacheQuery.queryKey, foreseen(before, asked));
      return before;
    },
    onError: (error, _asked, before) => {
      client.setQueryData(cacheQuery.queryKey, before);
      toast(sentence(error), "bad");
    },
    onSettled: () => lookAgain(client),
  });
}

export function useUnload() {
  return useChange(
    (key: string) => told(api.DELETE("/cache/{model_key}", { params: { path: { model_key: key } } })),
    (cache, key) => without(cache, (model) => model.model_key === key),
  );
}

/** Puts out what nobody uses now. */
export function useClear() {
  return useChange(
    (_: void) => told(api.POST("/cache/clear")),
    (cache) => without(cache, (model) => model.in_use === 0),
  );
}

export function usePin() {
  return useChange(
    ({ key, pinned }: { key: string; pinned: boolean }) => {
      const path = { params: { path: { key } } };
      return told(pinned ? api.PUT("/models/{key}/pin", path) : api.DELETE("/models/{key}/pin", path));
    },
    (cache, { key, pinned }) => pinnedIn(cache, key, pinned),
  );
}
