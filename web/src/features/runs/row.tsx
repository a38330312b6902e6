"use client";

// A run in the list. Many of them come into sight in a frame: what a row needs only when it is used is made then.
import clsx from "clsx";
import { GitFork } from "lucide-react";
import Link from "next/link";
import { memo } from "react";
import type { RunRow } from "@/shared/api/endpoints";
import { When } from "@/shared/format/when";
import { Badge } from "@/shared/ui/bits";
import { RunStatus } from "@/shared/ui/status";
import { MOST, useChosen } from "./chosen";
import { COLUMNS } from "./columns";
import { RowActions } from "./row-actions";
import { short, shortModel, useRowWords } from "./words";

interface RowProps {
  run: RunRow;
  /** Its place among all rows, the head included. */
  place: number;
  top: number;
  height: number;
}

export const Row = memo(function Row({ run, place, top, height }: RowProps) {
  const { figures } = useRowWords();
  return (
    <div
      role="row"
      aria-rowindex={place}
      data-run={run.run_id}
      style={{ height, transform: `translateY(${top}px)` }}
      className={clsx(COLUMNS, "absolute inset-x-0 top-0 items-center border-b border-line px-3 py-2 hover:bg-sunken/60 md:py-0")}
    >
      <Mark run={run} />
      <span role="cell" className="col-start-2 row-start-1">
        <RunStatus status={run.status} />
      </span>
      <span role="cell" className="col-span-4 row-start-2 min-w-0 self-start md:col-span-1 md:col-start-3 md:row-start-1 md:self-center">
        <Question run={run} />
      </span>
      <span
        role="cell"
        className="col-span-4 col-start-1 row-start-3 flex min-w-0 gap-x-1.5 pr-20 text-sm text-soft md:col-span-1 md:col-start-4 md:row-start-1 md:flex-col md:pr-0"
      >
        <Flow run={run} />
        <Models models={run.models} />
      </span>
      <Figure className="md:col-start-5">{run.cost_usd === null || run.cost_usd === undefined ? "–" : figures.usd(run.cost_usd)}</Figure>
      <Figure className="hidden md:col-start-6 md:block">{run.seconds === null || run.seconds === undefined ? "–" : figures.seconds(run.seconds)}</Figure>
      <span role="cell" className="col-start-3 row-start-1 max-w-full justify-self-end truncate text-sm text-soft md:col-start-7">
        <When at={run.created_at} className="pointer-fine:relative pointer-fine:z-10" />
      </span>
      <span role="cell" className="relative z-10 col-start-4 row-start-1 flex justify-end md:col-start-8">
        <RowActions run={run} />
      </span>
    </div>
  );
});

function Figure({ className, children }: { className: string; children: string }) {
  return (
    <span
      role="cell"
      className={clsx("col-span-2 col-start-3 row-start-3 justify-self-end text-sm whitespace-nowrap text-soft tabular-nums md:col-span-1 md:row-start-1", className)}
    >
      {children}
    </span>
  );
}

/** The box that marks it for a comparison. */
function Mark({ run }: { run: RunRow }) {
  const { t } = useRowWords();
  const isChosen = useChosen((state) => state.chosen.includes(run.run_id));
  const isFull = useChosen((state) => state.chosen.length >= MOST);
  const toggle = useChosen((state) => state.toggle);
  return (
    <span role="cell" className="relative z-10 flex">
      {/* Around it a finger hits it too. */}
      <label className="-m-2 flex p-2">
        <input
          type="checkbox"
          aria-label={t("select", { question: short(run.prompt) })}
          title={isFull && !isChosen ? t("chosen_most") : undefined}
          checked={isChosen}
          disabled={isFull && !isChosen}
          onChange={() => toggle(run.run_id)}
          className="size-4 accent-accent"
        />
      </label>
    </span>
  );
}

/** The link covers the row: it opens wherever nothing else is pressed. */
function Question({ run }: { run: RunRow }) {
  const { t } = useRowWords();
  return (
    <span className="flex min-w-0 items-center gap-2">
      <Link
        href={`/runs/${run.run_id}`}
        prefetch={false}
        className="line-clamp-2 min-w-0 break-words after:absolute after:inset-0 md:line-clamp-1"
      >
        {run.prompt}
      </Link>
      {run.parent_run_id && (
        <Badge tone="accent" title={t("fork_of", { run: run.parent_run_id })}>
          <GitFork aria-hidden className="size-3" />
          {t("fork")}
        </Badge>
      )}
      {run.only_node && <Badge>{t("one_node", { node: run.only_node })}</Badge>}
    </span>
  );
}

function Flow({ run }: { run: RunRow }) {
  const { t, flowName } = useRowWords();
  return (
    <span className="min-w-0 truncate">
      <span title={run.flow_id}>{flowName(run.flow_id)}</span>
      {run.flow_version !== null && run.flow_version !== undefined && (
        <span title={t("version", { version: run.flow_version })}> @{run.flow_version}</span>
      )}
    </span>
  );
}

/** Who answered: one by name and the others counted, all of them where somebody points at it or has it read. */
function Models({ models }: { models: RunRow["models"] }) {
  const [first, ...others] = models ?? [];
  if (first === undefined) return null;
  const all = models?.join(", ");
  return (
    <span title={all} className="pointer-fine:relative pointer-fine:z-10 flex min-w-0 gap-x-1 self-start text-xs leading-5 md:leading-4 md:max-w-full">
      <span className="sr-only">{all}</span>
      <span aria-hidden className="min-w-0 truncate">
        {shortModel(first)}
      </span>
      {others.length > 0 && <span aria-hidden>+{others.length}</span>}
    </span>
  );
}

