"use client";

// Runs the whole flow from the builder; the canvas shows it as it goes, and this panel how it ends.
import { Play, Square, X } from "lucide-react";
import Link from "next/link";
import { useLocale, useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { LateMarkdown } from "@/shared/markdown/late";
import { hasEnded, useSteer } from "@/shared/run-actions/api";
import { useRunView, useWorkedS, type Run } from "@/shared/run/run";
import type { RunView } from "@/run/events";
import { Button, IconButton } from "@/shared/ui/button";
import { Problem } from "@/shared/ui/problem";
import { RunStatus } from "@/shared/ui/status";
import { useBuilder } from "../store";
import { ask, requestOf, useAsked } from "./asked";
import { Fault } from "./node-run";
import { RunForm } from "./run-form";
import { HasProblems, NotSaved, useStartRun } from "./starting";
import { useWatched } from "./watching";

export function Watch() {
  const t = useTranslations("inspector.watch");
  const language = useLocale();
  const flowId = useBuilder((state) => state.flowId);
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const asked = useAsked(flowId);
  const run = useWatched();
  const view = useRunView(run);
  const start = useStartRun((runId) => ask(flowId, { runId }));
  const goesOn = run.id !== null && (view === null || !hasEnded(view.status));
  const canSend = asked.question.trim() !== "" && !start.isPending && !goesOn;
  const send = () => canSend && start.mutate(requestOf(flowId, !isReadOnly, asked, language));
  return (
    <div className="flex flex-col gap-4">
      {!isReadOnly && <p className="text-sm text-soft">{t("about")}</p>}
      <RunForm onSend={send} />
      <div className="flex flex-wrap gap-2">
        <Button look="primary" disabled={!canSend} busy={start.isPending} onClick={send}>
          <Play aria-hidden className="size-4" />
          {t(run.id === null ? "run" : "again")}
        </Button>
        {run.id !== null && goesOn && <Stop runId={run.id} status={view?.status ?? "running"} />}
      </div>
      {start.error !== null && <NotStarted error={start.error} />}
      {run.id !== null && view !== null && <Shown run={run} view={view} onClose={() => ask(flowId, { runId: null })} />}
    </div>
  );
}

export function NotStarted({ error }: { error: Error }) {
  if (!(error instanceof NotSaved || error instanceof HasProblems)) return <Problem error={error} />;
  return (
    <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-sm">
      {error.message}
    </p>
  );
}

export function Stop({ runId, status }: { runId: string; status: RunView["status"] }) {
  const t = useTranslations("inspector.watch");
  const steer = useSteer();
  return (
    <Button busy={steer.isPending} onClick={() => steer.mutate({ run_id: runId, status, verb: "cancel" })}>
      <Square aria-hidden className="size-4" />
      {t("stop")}
    </Button>
  );
}

function Shown({ run, view, onClose }: { run: Run; view: RunView; onClose: () => void }) {
  const t = useTranslations("inspector.watch");
  return (
    <section aria-label={t("latest")} className="flex flex-col gap-3 border-t border-line pt-3">
      <RunLine run={run} view={view} onClose={onClose} />
      <Fault run={run} />
      {view.answer !== null && (
        <div className="min-w-0">
          <h3 className="mb-1 text-sm font-medium">{t("answer")}</h3>
          <div className="max-h-96 overflow-y-auto rounded-md border border-line bg-page p-3">
            <LateMarkdown text={view.answer} />
          </div>
        </div>
      )}
      {!hasEnded(view.status) && <p className="text-sm text-soft">{t("pick")}</p>}
    </section>
  );
}

/** How a run stands, and what it took so far. */
export function RunLine({ run, view, onClose }: { run: Run; view: RunView; onClose?: () => void }) {
  const t = useTranslations("inspector.watch");
  const figures = useFigures();
  const worked = useWorkedS(run);
  return (
    <div className="flex items-start gap-2">
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1 py-0.5 text-sm">
        <RunStatus status={view.status} />
        <span className="text-soft">{figures.seconds(hasEnded(view.status) ? view.totals.seconds : worked)}</span>
        {view.totals.calls > 0 && <span className="text-soft">{figures.usd(view.totals.cost_usd)}</span>}
        <Link prefetch={false} href={`/runs/${view.run_id}`} className="py-0.5 text-accent underline underline-offset-2">
          {t("open")}
        </Link>
      </div>
      {onClose !== undefined && (
        <IconButton size="sm" label={t("close")} onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      )}
    </div>
  );
}
