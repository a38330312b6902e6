"use client";

// The list of runs: newest first, as long as there are any, and only those in sight are drawn.
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import clsx from "clsx";
import { ArrowUp, ListTree, SearchX } from "lucide-react";
import { Suspense, useDeferredValue, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { useTranslations } from "use-intl";
import runActions from "@/messages/en/run_actions";
import runsWords from "@/messages/en/runs";
import { withWords } from "@/shared/i18n/screen-words";
import { Button, ButtonLink } from "@/shared/ui/button";
import { Empty, ScreenHead, Skeleton } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { CARD_PX, COLUMNS, ROW_PX } from "./columns";
import { ChosenBar } from "./chosen-bar";
import { EVERYTHING, searchOf, type Filter } from "./filter";
import { ClearFilters, Filters } from "./filters";
import { Row } from "./row";
import { useFilter } from "./use-filter";
import { useLagging, useRuns } from "./use-runs";
import { RowWords } from "./words";

const OVERSCAN = 6;
/** The next page is asked for when so few rows are left below. */
const AHEAD = 40;
const AT_TOP_PX = 80;
const WIDE = "(min-width: 48rem)";

export const RunsScreen = withWords({ runs: runsWords, run_actions: runActions }, AnyRuns);

/** What the address asks for is known to a browser alone: the page comes with its head, and with room for the rest. */
function AnyRuns() {
  return (
    <Suspense fallback={<Coming />}>
      <Screen />
    </Suspense>
  );
}

function Coming() {
  const t = useTranslations("runs");
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")}>
        <ClearFilters filter={EVERYTHING} onChange={() => undefined} />
      </ScreenHead>
      <Skeleton className="mb-3 h-31 md:h-9" />
      <Panel flush>
        <Waiting />
      </Panel>
    </>
  );
}

function Screen() {
  const t = useTranslations("runs");
  const [filter, change] = useFilter();
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")}>
        <ClearFilters filter={filter} onChange={change} />
      </ScreenHead>
      <Filters filter={filter} onChange={change} />
      <Panel flush>
        <Runs filter={filter} onClear={() => change(EVERYTHING)} />
      </Panel>
      <ChosenBar />
    </>
  );
}

function Runs({ filter, onClear }: { filter: Filter; onClear: () => void }) {
  const t = useTranslations("runs");
  const { list, rows, fresh, insert, change } = useRuns(filter);
  // The first rows are drawn bit by bit, so that what is pressed meanwhile is not held up.
  const isThere = useDeferredValue(!list.isPending);
  if (list.isPending || !isThere) return <Waiting />;
  if (list.error !== null && rows.length === 0)
    return (
      <div className="p-4">
        <Problem error={list.error} again={() => void list.refetch()} />
      </div>
    );
  if (rows.length === 0 && fresh.length === 0 && !list.isPlaceholderData) return <Nothing filter={filter} onClear={onClear} />;
  return (
    <>
      <Fresh count={fresh.length} insert={insert} />
      <Table {...{ list, rows, change }} />
      <div className="flex min-h-11 items-center justify-center px-4 py-2 text-sm text-soft">
        {list.error !== null ? (
          <Problem error={list.error} again={() => void list.fetchNextPage()} />
        ) : list.hasNextPage ? (
          t("loading")
        ) : (
          t("end", { count: rows.length })
        )}
      </div>
    </>
  );
}

type Listed = ReturnType<typeof useRuns>;

function Table({ list, rows, change }: Pick<Listed, "list" | "rows" | "change">) {
  const t = useTranslations("runs");
  const body = useRef<HTMLDivElement>(null);
  const height = useMatch(WIDE) ? ROW_PX : CARD_PX;
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => {
    const top = body.current?.getBoundingClientRect().top ?? 0;
    setMargin(Math.round(top + scrollY));
  }, [height]);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => height,
    overscan: OVERSCAN,
    scrollMargin: margin,
  });
  useEffect(() => virtual.measure(), [virtual, height]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, isError, fetchNextPage } = list;
  useEffect(() => {
    if (last >= rows.length - AHEAD && hasNextPage && !isFetchingNextPage && !isError) void fetchNextPage();
  }, [last, rows.length, hasNextPage, isFetchingNextPage, isError, fetchNextPage]);
  const inSight = items.flatMap(({ index }) => rows[index] ?? []);
  useLagging(inSight, change);
  return (
    <div
      role="table"
      aria-label={t("list")}
      aria-rowcount={hasNextPage ? -1 : rows.length + 1}
      aria-busy={list.isPlaceholderData}
    >
      <Head />
      <div ref={body} role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
        <RowWords>
          {items.map(({ index, start }) => {
            const run = rows[index];
            return run && <Row key={run.run_id} run={run} place={index + 2} top={start - margin} height={height} />;
          })}
        </RowWords>
      </div>
    </div>
  );
}

const HEADS = ["select", "status", "question", "flow", "cost", "seconds", "when", "actions"] as const;

function Head() {
  const t = useTranslations("runs.column");
  return (
    <div role="rowgroup" className="sr-only md:not-sr-only">
      <div role="row" aria-rowindex={1} className={clsx(COLUMNS, "h-9 items-center border-b border-line px-3 text-xs font-medium text-soft")}>
        {HEADS.map((name) => (
          <span
            key={name}
            role="columnheader"
            className={clsx(["cost", "seconds", "when"].includes(name) && "justify-self-end")}
          >
            <span className={clsx((name === "select" || name === "actions") && "sr-only")}>{t(name)}</span>
          </span>
        ))}
      </div>
    </div>
  );
}

/** What is new goes in by itself where the top of the list is in sight; else it waits, and nothing moves. */
function Fresh({ count, insert }: { count: number; insert: () => void }) {
  const t = useTranslations("runs");
  const isAtTop = useSyncExternalStore(subscribeScroll, () => scrollY <= AT_TOP_PX, () => true);
  useEffect(() => {
    if (count > 0 && isAtTop) insert();
  }, [count, isAtTop, insert]);
  if (count === 0 || isAtTop) return null;
  const show = () => {
    insert();
    scrollTo({ top: 0 });
  };
  return (
    <div className="pointer-events-none fixed inset-x-0 top-3 z-30 flex justify-center" role="status">
      <Button look="primary" size="sm" className="pointer-events-auto shadow-lift" onClick={show}>
        <ArrowUp aria-hidden className="size-4" />
        {t("fresh", { count })}
      </Button>
    </div>
  );
}

function subscribeScroll(reader: () => void): () => void {
  addEventListener("scroll", reader, { passive: true });
  return () => removeEventListener("scroll", reader);
}

function useMatch(query: string): boolean {
  return useSyncExternalStore(
    (reader) => {
      const match = matchMedia(query);
      match.addEventListener("change", reader);
      return () => match.removeEventListener("change", reader);
    },
    () => matchMedia(query).matches,
    () => true,
  );
}

function Waiting() {
  return (
    <div aria-hidden className="flex flex-col gap-2 p-3">
      {Array.from({ length: 12 }, (_, place) => (
        <Skeleton key={place} className="h-[6.75rem] md:h-10" />
      ))}
    </div>
  );
}

function Nothing({ filter, onClear }: { filter: Filter; onClear: () => void }) {
  const t = useTranslations("runs");
  if (searchOf(filter) !== "")
    return (
      <Empty title={t("no_match_title")} icon={<SearchX aria-hidden className="size-6" />}>
        <p>{t("no_match")}</p>
        <Button onClick={onClear}>{t("clear")}</Button>
      </Empty>
    );
  return (
    <Empty title={t("none_title")} icon={<ListTree aria-hidden className="size-6" />}>
      <p>{t("none")}</p>
      <ButtonLink href="/" look="primary">
        {t("to_console")}
      </ButtonLink>
    </Empty>
  );
}
