"use client";

// The head of a run's screen: the question, how it stands, what it took, and what can be done with it.
import { CornerDownRight, Download, GitFork, Link2, MoreHorizontal } from "lucide-react";
import Link from "next/link";
import { useLayoutEffect, useState, type ReactNode } from "react";
import { useLocale, useTranslations } from "use-intl";
import type { Message, RunStarted, RunView } from "@/run/events";
import { API_URL } from "@/shared/api/client";
import { inLanguage } from "@/shared/flow/text";
import { useFigures } from "@/shared/format/figures";
import { When } from "@/shared/format/when";
import { useRunView, useTranscript, useWorkedS } from "@/shared/run/run";
import { RunButtons } from "@/shared/run-actions/buttons";
import { Skeleton } from "@/shared/ui/bits";
import { Button, IconButton } from "@/shared/ui/button";
import { useCopy } from "@/shared/ui/copy";
import { Menu, MenuItem } from "@/shared/ui/menu";
import { RunStatus } from "@/shared/ui/status";
import { toast } from "@/shared/ui/toast";
import { useRunHere } from "./here";
import { useRunningSeconds } from "./seconds";

const LONG_CHARS = 240;

export function Head() {
  const run = useRunHere();
  const view = useRunView(run);
  const started = useTranscript(run, "started");
  if (view === null || started === null)
    return (
      <header className="mb-4 flex flex-col gap-2">
        <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
          <Skeleton className="h-14 flex-1 basis-72 sm:h-7" />
          <Skeleton className="h-7 w-27" />
        </div>
        <Skeleton className="h-11.5 w-3/4 sm:h-5.5 sm:w-1/2" />
      </header>
    );
  return (
    <header className="mb-4 flex flex-col gap-2">
      <TabTitle view={view} />
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <Question text={view.prompt} />
        <div className="flex flex-wrap items-center gap-1.5">
          <RunButtons run={view} />
          <More view={view} />
        </div>
      </div>
      <FollowsOn history={started.request.options.history} />
      <Facts view={view} started={started} />
    </header>
  );
}

const TITLE_CHARS = 60;

/** How the run stands can be read off the browser's tab. */
function TabTitle({ view }: { view: RunView }) {
  const t = useTranslations("common");
  const title = `${t(`status.${view.status}`)} · ${view.prompt.slice(0, TITLE_CHARS)} · ${t("product")}`;
  // The page's own title may come after this one where much is going on. Let go with the page, before the next one's comes.
  useLayoutEffect(() => {
    let shown: string | undefined;
    const keep = () => {
      if (document.title === shown) return;
      document.title = title;
      // A browser tells a title with its white space collapsed: against the text as it was written this would never end.
      shown = document.title;
    };
    const watching = new MutationObserver(keep);
    watching.observe(document.head, { childList: true, subtree: true, characterData: true });
    keep();
    return () => watching.disconnect();
  }, [title]);
  return null;
}

function Question({ text }: { text: string }) {
  const t = useTranslations("live.head");
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > LONG_CHARS || text.split("\n").length > 3;
  return (
    <div className="min-w-0 flex-1 basis-72">
      <h1
        dir="auto"
        className={`text-xl font-semibold tracking-tight whitespace-pre-wrap [overflow-wrap:anywhere] ${isLong && !isWhole ? "line-clamp-2" : ""} ${isWhole ? "max-h-[50dvh] overflow-y-auto text-base font-normal" : ""}`}
      >
        {text}
      </h1>
      {isLong && (
        <Button size="sm" look="quiet" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? t("less") : t("whole")}
        </Button>
      )}
    </div>
  );
}

/** The question before this one, where the run goes on with a conversation. */
function FollowsOn({ history }: { history: readonly Message[] }) {
  const t = useTranslations("live.head");
  const before = history.findLast(({ role }) => role === "user")?.content;
  if (before === undefined) return null;
  return (
    <p title={before.slice(0, LONG_CHARS)} className="flex min-w-0 items-center gap-1.5 text-sm text-soft">
      <CornerDownRight aria-hidden className="size-3.5 shrink-0" />
      <span className="truncate">{t("follows", { question: before })}</span>
    </p>
  );
}

function Facts({ view, started }: { view: RunView; started: RunStarted }) {
  const t = useTranslations("live.head");
  const figures = useFigures();
  const { totals } = view;
  const name = inLanguage(started.flow.name, started.request.options.language) || view.flow_id;
  const version = view.flow_version === null ? "" : ` ${t("version", { number: view.flow_version })}`;
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-soft tabular-nums">
      <RunStatus status={view.status} />
      <Link prefetch={false} href={`/flows/${view.flow_id}`} className="py-0.5 underline-offset-2 hover:text-ink hover:underline">
        {name + version}
      </Link>
      <Fact name={t("time")}>
        <Seconds />
      </Fact>
      <Fact name={t("calls")}>{figures.calls(totals.calls)}</Fact>
      {totals.reused_calls > 0 && <span>{t("reused", { count: totals.reused_calls })}</span>}
      <Fact name={t("tokens")}>{t("in_out", { read: figures.number(totals.prompt_tokens), written: figures.number(totals.completion_tokens) })}</Fact>
      <Fact name={t("cost")}>{totals.calls === 0 ? "–" : totals.cost_usd === null ? t("cost_unknown") : figures.usd(totals.cost_usd)}</Fact>
      {view.created_at !== null && <When at={view.created_at} />}
      {view.parent_run_id !== null && (
        <Link prefetch={false} href={`/runs/${view.parent_run_id}`} className="inline-flex items-center gap-1 py-0.5 underline-offset-2 hover:text-ink hover:underline">
          <GitFork aria-hidden className="size-3.5" />
          {t("parent")}
        </Link>
      )}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <span title={name}>
      <span className="sr-only">{name}: </span>
      {children}
    </span>
  );
}

function Seconds() {
  const figures = useFigures();
  const running = useRunningSeconds();
  const run = useRunHere();
  const isOver = useRunView(run)?.finished_at !== null;
  const seconds = useWorkedS(run);
  return <span data-seconds>{isOver ? figures.seconds(seconds) : running(seconds)}</span>;
}

function More({ view }: { view: RunView }) {
  const t = useTranslations("live.head");
  const locale = useLocale();
  const save = (format: "json" | "markdown") => {
    // The server names the file, and sends it as one to keep.
    const link = document.createElement("a");
    link.href = `${API_URL}/api/runs/${encodeURIComponent(view.run_id)}/export?format=${format}&language=${locale}`;
    link.download = "";
    link.click();
  };
  const copy = useCopy();
  const copyLink = async () => {
    if (await copy(location.href)) toast(t("link_copied"));
  };
  return (
    <Menu
      trigger={
        <IconButton label={t("more")} look="plain" size="sm">
          <MoreHorizontal aria-hidden className="size-4" />
        </IconButton>
      }
    >
      <MenuItem icon={<Link2 aria-hidden className="size-4" />} onSelect={() => void copyLink()}>
        {t("copy_link")}
      </MenuItem>
      <MenuItem icon={<Download aria-hidden className="size-4" />} onSelect={() => save("markdown")}>
        {t("save_markdown")}
      </MenuItem>
      <MenuItem icon={<Download aria-hidden className="size-4" />} onSelect={() => save("json")}>
        {t("save_json")}
      </MenuItem>
    </Menu>
  );
}
