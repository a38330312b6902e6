// Puts news into a list of runs that is longer than one answer, without anything moving that somebody reads.
import type { InfiniteData } from "@tanstack/react-query";
import type { RunRow } from "@/shared/api/endpoints";
import type { components } from "@/shared/api/schema";

export type RunPage = components["schemas"]["RunPage"];
export type Pages = InfiniteData<RunPage>;

/** As the server lists them: by time, which it writes so that texts sort as times do, then by id. */
function isNewer(one: RunRow, other: RunRow): boolean {
  const [mine, theirs] = [one.created_at.replace("Z", ""), other.created_at.replace("Z", "")];
  return mine === theirs ? one.run_id > other.run_id : mine > theirs;
}

/** All rows, in order. A run that two pages tell of, because one came between them, is there once. */
export function rowsOf(pages: Pages | undefined): RunRow[] {
  const known = new Set<string>();
  const rows: RunRow[] = [];
  for (const page of pages?.pages ?? [])
    for (const run of page.runs) {
      if (known.has(run.run_id)) continue;
      known.add(run.run_id);
      rows.push(run);
    }
  return rows;
}

/** The pages with their rows brought up to date. The same object where nothing is news. */
export function updated(pages: Pages, news: readonly RunRow[]): Pages {
  const latest = new Map(news.map((run) => [run.run_id, run]));
  let isNews = false;
  const changed = pages.pages.map((page) => {
    const runs = page.runs.map((run) => {
      const told = latest.get(run.run_id);
      if (told === undefined || isSame(run, told)) return run;
      isNews = true;
      return told;
    });
    return { ...page, runs };
  });
  return isNews ? { ...pages, pages: changed } : pages;
}

function isSame(one: RunRow, other: RunRow): boolean {
  const isSameEnd = one.cost_usd === other.cost_usd && one.calls === other.calls && one.seconds === other.seconds;
  return isSameEnd && one.status === other.status && one.models?.join() === other.models?.join();
}

/** The news that the pages do not have, of the part of the list that they cover. */
export function unlisted(pages: Pages, news: readonly RunRow[]): RunRow[] {
  const rows = rowsOf(pages);
  const known = new Set(rows.map(({ run_id }) => run_id));
  const last = rows.at(-1);
  const isWhole = pages.pages.at(-1)?.next_cursor === null;
  return news.filter((run) => !known.has(run.run_id) && (isWhole || last === undefined || isNewer(run, last)));
}

/** The pages with those runs in their places. */
export function inserted(pages: Pages, runs: readonly RunRow[]): Pages {
  return runs.reduce(withOne, pages);
}

function withOne(pages: Pages, run: RunRow): Pages {
  const place = pages.pages.findIndex((page) => page.runs.some((row) => isNewer(run, row)));
  const at = place === -1 ? pages.pages.length - 1 : place;
  const changed = pages.pages.map((page, number) => {
    if (number !== at) return page;
    const before = page.runs.findIndex((row) => isNewer(run, row));
    return { ...page, runs: page.runs.toSpliced(before === -1 ? page.runs.length : before, 0, run) };
  });
  return { ...pages, pages: changed };
}

/** How far the list is known to be whole, and whether so much is new that the news do not reach down to there. */
export interface Reach {
  readonly known: RunRow | undefined;
  readonly isBeyond: boolean;
}

/** What the news, newest first, say of that. It goes on with them only while all that they bring is listed. */
export function reach(known: RunRow | undefined, news: readonly RunRow[], isAllListed: boolean, mostNews: number): Reach {
  const [newest, oldest] = [news[0], news.at(-1)];
  const isBeyond = known !== undefined && oldest !== undefined && news.length >= mostNews && isNewer(oldest, known);
  return { known: known === undefined || isAllListed || isBeyond ? (newest ?? known) : known, isBeyond };
}
