"use client";

// A run in the list.
import clsx from "clsx";
import { Copy, Ellipsis, GitCompareArrows, GitFork, ListTree, RotateCcw, Square } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { memo, useState } from "react";
import { useTranslations } from "use-intl";
import type { RunRow } from "@/shared/api/endpoints";
import { useFigures } from "@/shared/format/figures";
import { When } from "@/shared/format/when";
import { canRetry, hasEnded, useRetry, useSteer } from "@/shared/run-actions/api";
import { ForkDialog } from "@/shared/run-actions/buttons";
import { Badge } from "@/shared/ui/bits";
import { IconButton } from "@/shared/ui/button";
import { copyText } from "@/shared/ui/copy";
import { Menu, MenuItem } from "@/shared/ui/menu";
import { useSentence } from "@/shared/ui/problem";
import { RunStatus } from "@/shared/ui/status";
import { toast } from "@/shared/ui/toast";
import { MOST, useChosen } from "./chosen";
import { COLUMNS } from "./columns";
import { comparePath } from "./paths";

interface RowProps {
  run: RunRow;
  /** Its place among all rows, the head included. */
  place: number;
  top: number;
  height: number;
}

export const Row = memo(function Row({ run, place, top, height }: RowProps) {
  const figures = useFigures();
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
      <span role="cell" className="col-span-2 col-start-1 row-start-3 min-w-0 truncate text-sm text-soft md:col-span-1 md:col-start-4 md:row-start-1">
        <Flow run={run} />
      </span>
      <Figure className="md:col-start-5">{run.cost_usd === null || run.cost_usd === undefined ? "–" : figures.usd(run.cost_usd)}</Figure>
      <Figure className="hidden md:col-start-6 md:block">{run.seconds === null || run.seconds === undefined ? "–" : figures.seconds(run.seconds)}</Figure>
      <span role="cell" className="col-start-3 row-start-1 justify-self-end text-sm whitespace-nowrap text-soft md:col-start-7">
        <When at={run.created_at} />
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
  const t = useTranslations("runs");
  const isChosen = useChosen((state) => state.chosen.includes(run.run_id));
  const isFull = useChosen((state) => state.chosen.length >= MOST);
  const toggle = useChosen((state) => state.toggle);
  return (
    <span role="cell" className="relative z-10 flex">
      <input
        type="checkbox"
        aria-label={t("select", { question: short(run.prompt) })}
        title={isFull && !isChosen ? t("chosen_most") : undefined}
        checked={isChosen}
        disabled={isFull && !isChosen}
        onChange={() => toggle(run.run_id)}
        className="size-4 accent-accent"
      />
    </span>
  );
}

/** The link covers the row: it opens wherever nothing else is pressed. */
function Question({ run }: { run: RunRow }) {
  const t = useTranslations("runs");
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
  const t = useTranslations("runs");
  return (
    <>
      {run.flow_id}
      {run.flow_version !== null && run.flow_version !== undefined && (
        <span title={t("version", { version: run.flow_version })}> @{run.flow_version}</span>
      )}
    </>
  );
}

function RowActions({ run }: { run: RunRow }) {
  const t = useTranslations();
  const router = useRouter();
  const sentence = useSentence();
  const [isForking, setForking] = useState(false);
  const refused = (error: unknown) => toast(sentence(error), "bad");
  const steer = useSteer(refused);
  const retry = useRetry((begun) => router.push(`/runs/${begun.run_id}`));
  const question = short(run.prompt);
  const { parent_run_id: parent } = run;
  return (
    <>
      {!hasEnded(run.status) && (
        <IconButton
          size="sm"
          label={t("runs.stop", { question })}
          onClick={() => steer.mutate({ run_id: run.run_id, status: run.status, verb: "cancel" })}
        >
          <Square aria-hidden className="size-3.5 fill-current" />
        </IconButton>
      )}
      <Menu
        trigger={
          <IconButton size="sm" label={t("runs.more", { question })}>
            <Ellipsis aria-hidden className="size-4" />
          </IconButton>
        }
      >
        {hasEnded(run.status) && (
          <MenuItem icon={<GitFork aria-hidden className="size-4" />} onSelect={() => setForking(true)}>
            {t("runs.fork_it")}
          </MenuItem>
        )}
        {canRetry(run.status) && (
          <MenuItem icon={<RotateCcw aria-hidden className="size-4" />} onSelect={() => retry.mutate(run.run_id, { onError: refused })}>
            {t("run_actions.retry")}
          </MenuItem>
        )}
        {parent && (
          <MenuItem
            icon={<GitCompareArrows aria-hidden className="size-4" />}
            onSelect={() => router.push(comparePath(parent, run.run_id))}
          >
            {t("runs.open_parent")}
          </MenuItem>
        )}
        <MenuItem icon={<ListTree aria-hidden className="size-4" />} onSelect={() => router.push(`/runs?parent=${run.run_id}`)}>
          {t("runs.show_forks")}
        </MenuItem>
        <MenuItem icon={<Copy aria-hidden className="size-4" />} onSelect={() => void copyText(run.run_id)}>
          {t("runs.copy_id")}
        </MenuItem>
      </Menu>
      {isForking && (
        <ForkDialog runId={run.run_id} onClose={() => setForking(false)} onBegun={(id) => router.push(`/runs/${id}`)} />
      )}
    </>
  );
}

/** A question as a name of something. */
function short(question: string): string {
  return question.length > 80 ? `${question.slice(0, 79)}…` : question;
}
