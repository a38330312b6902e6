"use client";

// The list of runs as it is kept here: page by page, brought up to date, with what is new held back while somebody reads.
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { api, told } from "@/shared/api/client";
import type { RunRow } from "@/shared/api/endpoints";
import { hasEnded } from "@/shared/run-actions/api";
import { isNewsWhole, newsQueryOf, passes, queryOf, type Filter } from "./filter";
import { inserted, reach, rowsOf, unlisted, updated, type Pages, type RunPage } from "./merge";

const PAGE = 200;
const NEWS = 50;
const NEWS_MS = 3_000;
const LAGGING_MS = 10_000;
const MOST_LAGGING = 6;

const keyOf = (filter: Filter) => ["runs", "list", queryOf(filter)] as const;

export function useRuns(filter: Filter) {
  const client = useQueryClient();
  const asked = queryOf(filter);
  const list = useInfiniteQuery({
    queryKey: keyOf(filter),
    queryFn: ({ pageParam, signal }): Promise<RunPage> =>
      told(
        api.GET("/api/runs", {
          params: { query: { ...asked, limit: PAGE, ...(pageParam !== null && { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    // The news keep it up to date: asking for all of its pages again would take the longer the more there are.
    staleTime: Infinity,
    refetchOnMount: false,
    refetchOnReconnect: false,
    structuralSharing: false,
  });
  const shown = list.data;
  const rows = useMemo(() => rowsOf(shown), [shown]);
  const isOwn = list.isSuccess && !list.isPlaceholderData;
  const news = useNews(filter, isOwn);
  const fresh = useMemo(
    () => (shown === undefined ? [] : unlisted(shown, news.data ?? []).filter((run) => passes(filter, run))),
    [shown, news.data, filter],
  );
  const change = useCallback(
    (how: (pages: Pages) => Pages) => client.setQueryData<Pages>(keyOf(filter), (kept) => kept && how(kept)),
    [client, filter],
  );
  const reached = useRef<{ filter: Filter; run: RunRow | undefined }>(undefined);
  useEffect(() => {
    // What was just pressed stands as it was pressed until the server has said something to it.
    if (news.data === undefined || !isOwn || client.isMutating() > 0) return;
    const latest = news.data;
    change((pages) => updated(pages, latest));
    // The first row says nothing where the news hold runs that the list may never show: it can be older than all of them.
    const kept = reached.current?.filter === filter ? reached.current.run : undefined;
    const { known, isBeyond } = reach(isNewsWhole(filter) ? rows[0] : kept, latest, fresh.length === 0, NEWS);
    reached.current = { filter, run: known };
    if (isBeyond) void client.resetQueries({ queryKey: keyOf(filter) });
  }, [news.data, news.at, isOwn, change, client, filter, rows, fresh]);
  const insert = useCallback(() => change((pages) => inserted(pages, fresh)), [change, fresh]);
  return { list, rows, fresh, insert, change };
}

/** The newest runs, asked for again and again while the page is looked at. */
function useNews(filter: Filter, isWanted: boolean): { data: readonly RunRow[] | undefined; at: number } {
  const asked = newsQueryOf(filter);
  const query = useQuery({
    queryKey: ["runs", "news", asked],
    queryFn: ({ signal }) => told(api.GET("/api/runs", { params: { query: { ...asked, limit: NEWS } }, signal })),
    refetchInterval: NEWS_MS,
    enabled: isWanted,
  });
  return { data: query.data?.runs, at: query.dataUpdatedAt };
}

/** Brings those rows in sight up to date that go on and are too old to be among the news. */
export function useLagging(inSight: readonly RunRow[], change: (how: (pages: Pages) => Pages) => void): void {
  const going = inSight.filter((run) => !hasEnded(run.status)).slice(0, MOST_LAGGING);
  const query = useQuery({
    queryKey: ["runs", "lagging", going.map(({ run_id }) => run_id)],
    queryFn: async ({ signal }) => {
      const pages = await Promise.all(going.map((run) => at(run.created_at, signal)));
      return { runs: pages.flatMap((page) => page.runs), next_cursor: null };
    },
    refetchInterval: LAGGING_MS,
    enabled: going.length > 0,
  });
  const found = query.data?.runs;
  useEffect(() => {
    if (found !== undefined) change((pages) => updated(pages, found));
  }, [found, change]);
}

/** The runs of that instant. */
function at(moment: string, signal: AbortSignal): Promise<RunPage> {
  const after = new Date(Date.parse(moment) + 1).toISOString();
  return told(api.GET("/api/runs", { params: { query: { since: moment, until: after, limit: 10 } }, signal }));
}
