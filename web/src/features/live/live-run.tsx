"use client";

// A run as it goes on, and what it came to: the picture of its flow, its transcript, its answer.
import { Maximize2 } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslations } from "use-intl";
import diffWords from "@/messages/en/diff";
import liveWords from "@/messages/en/live";
import markdownWords from "@/messages/en/markdown";
import runActions from "@/messages/en/run_actions";
import type { Trouble } from "@/run/connection";
import { withWords } from "@/shared/i18n/screen-words";
import { usePathId } from "@/shared/shell/path-id";
import { useConnection, useRun, useRunView, useTranscript } from "@/shared/run/run";
import { Empty, Skeleton } from "@/shared/ui/bits";
import { ButtonLink, IconButton } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Panel } from "@/shared/ui/panel";
import { AnswerThere, OUTCOME } from "./answer-there";
import { FlowVisualizer } from "./graph";
import { Head } from "./head";
import { RunHere, useRunHere } from "./here";
import { Notices } from "./notices";
import { Outcome } from "./outcome";
import { Stages } from "./stages";
import { TroubleText } from "./trouble";

export const LiveRun = withWords({ live: liveWords, run_actions: runActions, markdown: markdownWords, diff: diffWords }, AnyRun);

function AnyRun() {
  const run = useRun(usePathId());
  return (
    <RunHere value={run}>
      <Screen />
    </RunHere>
  );
}

function Screen() {
  const run = useRunHere();
  const connection = useConnection(run);
  const view = useRunView(run);
  const isKnown = useTranscript(run, "started") !== null && view !== null;
  // Drawn bit by bit, so that what is pressed meanwhile is not held up.
  const isThere = useDeferredValue(isKnown) && isKnown;
  if (connection.state === "refused" && view === null) return <NoRun trouble={connection.trouble} />;
  return (
    <>
      <Head />
      <Notices />
      <div className="grid min-w-0 gap-4 lg:grid-cols-[20rem_minmax(0,1fr)] xl:grid-cols-[23rem_minmax(0,1fr)]">
        {isThere ? <Parts /> : <Coming />}
      </div>
    </>
  );
}

function Parts() {
  return (
    <>
      <Graph />
      <AnswerThere />
      <div className="flex min-w-0 flex-col gap-4">
        <div id={OUTCOME} tabIndex={-1} className="min-w-0 scroll-mt-16 md:scroll-mt-4">
          <Outcome />
        </div>
        <Stages />
      </div>
    </>
  );
}

/** How long a question and an answer are is known when they are there: until then nothing stands below them that would move. */
function Coming() {
  const t = useTranslations("live.now");
  return (
    <>
      <Skeleton className="h-73" />
      <div className="flex min-w-0 flex-col gap-4">
        <p role="status" className="h-52 rounded-lg border border-line bg-surface p-4 text-soft">
          {t("loading")}
        </p>
        <Skeleton className="h-32" />
      </div>
    </>
  );
}

const BESIDE_PX = 334;
const ALONE_PX = 960;

function Graph() {
  const t = useTranslations("live.graph");
  const started = useTranscript(useRunHere(), "started");
  const [isLarge, setLarge] = useState(false);
  return (
    <Panel
      title={t("title")}
      flush
      className="self-start lg:sticky lg:top-4 lg:max-h-[calc(100dvh-2rem)]"
      actions={
        <IconButton label={t("enlarge")} size="sm" disabled={started === null} onClick={() => setLarge(true)}>
          <Maximize2 aria-hidden className="size-4" />
        </IconButton>
      }
    >
      <div className="max-h-64 overflow-auto p-4 lg:max-h-[calc(100dvh-6rem)]">
        {started === null ? <Skeleton className="h-40" /> : <FlowVisualizer flow={started.flow} width={BESIDE_PX} />}
      </div>
      <Dialog title={t("title")} open={isLarge && started !== null} onClose={() => setLarge(false)} place="wide">
        {started !== null && <FlowVisualizer flow={started.flow} width={ALONE_PX} />}
      </Dialog>
    </Panel>
  );
}

function NoRun({ trouble }: { trouble: Trouble }) {
  const t = useTranslations("live.no_run");
  const isGone = trouble.status === 404;
  return (
    <>
      <h1 className="sr-only">{t("title")}</h1>
      <Empty title={isGone ? t("title") : t("refused")}>
        <p className="[overflow-wrap:anywhere]">{isGone ? t("about") : <TroubleText trouble={trouble} otherwise={t("about")} />}</p>
        <span className="flex gap-2">
          <ButtonLink href="/runs">{t("runs")}</ButtonLink>
          <ButtonLink href="/" look="primary">
            {t("console")}
          </ButtonLink>
        </span>
      </Empty>
    </>
  );
}
