"use client";

// What a run came to (OutputDisplay): the answer, what it changed in the draft, faults and votes, and what else was said.
import { useMemo, useState } from "react";
import { useTranslations } from "use-intl";
import type { RunView } from "@/run/events";
import { judgementOf, tallyOf, verdictOf, type Judgement, type Tally, type Verdict } from "@/run/issues";
import type { Turn } from "@/run/transcript";
import { Markdown } from "@/shared/markdown/markdown";
import { useRunView, useTranscript } from "@/shared/run/run";
import { CopyButton } from "@/shared/ui/copy";
import { late } from "@/shared/ui/late";
import { Panel } from "@/shared/ui/panel";
import { Tab, Tabs } from "@/shared/ui/tabs";
import { Again } from "./again";
import { Alternatives } from "./alternatives";
import { useRunHere } from "./here";
import { Now } from "./now";
import { IssueTable, JudgeTable, VoteTable } from "./verdicts";

const ByNode = late(() => import("./by-node").then((module) => module.ByNode));
const Diff = late(() => import("./draft-diff").then((module) => module.DraftDiff));

type View = "answer" | "diff" | "issues" | "votes" | "else" | "by_node";

export function Outcome() {
  const t = useTranslations("live.outcome");
  const view = useRunView(useRunHere());
  if (view === null || view.finished_at === null) return <Now />;
  return (
    <Panel
      title={view.status === "declined" ? t("declined") : t("title")}
      actions={view.answer !== null && <CopyButton text={view.answer} />}
      flush
    >
      <Views view={view} />
      <Again view={view} />
    </Panel>
  );
}

function Views({ view }: { view: RunView }) {
  const t = useTranslations("live.outcome");
  const [shown, setShown] = useState<View>("answer");
  const { verdicts, tallies, judgements } = useFindings();
  const tabs: readonly (readonly [View, boolean])[] = [
    ["answer", true],
    ["diff", view.draft !== null && view.answer !== null && view.draft !== view.answer],
    ["issues", verdicts.length > 0],
    ["votes", tallies.length + judgements.length > 0],
    ["else", view.answer !== null],
    ["by_node", view.totals.calls + view.totals.reused_calls > 0],
  ];
  const there = tabs.filter(([, isThere]) => isThere).map(([value]) => ({ value, label: t(value) }));
  if (view.answer === null && there.length === 1)
    return (
      <div className="p-4">
        <Ending view={view} />
      </div>
    );
  return (
    <Tabs label={t("views")} value={shown} onChange={setShown} tabs={there} className="min-w-0">
      <Tab value="answer" className="p-4">
        {view.answer === null ? <Ending view={view} /> : <Markdown text={view.answer} />}
      </Tab>
      <Tab value="diff" className="p-4">
        <Diff before={view.draft ?? ""} after={view.answer ?? ""} />
      </Tab>
      <Tab value="issues" className="flex flex-col gap-4 p-4">
        {verdicts.map(({ turn, verdict }) => (
          <Finding key={turn.key} turn={turn}>
            <IssueTable verdict={verdict} />
          </Finding>
        ))}
      </Tab>
      <Tab value="votes" className="flex flex-col gap-4 p-4">
        {tallies.map(({ turn, tally }) => (
          <Finding key={turn.key} turn={turn}>
            <VoteTable tally={tally} />
          </Finding>
        ))}
        {judgements.map(({ turn, judgement }) => (
          <Finding key={turn.key} turn={turn}>
            <JudgeTable judgement={judgement} />
          </Finding>
        ))}
      </Tab>
      <Tab value="else" className="p-4">
        <Alternatives runId={view.run_id} />
      </Tab>
      <Tab value="by_node" className="p-4">
        <ByNode view={view} />
      </Tab>
    </Tabs>
  );
}

/** Why there is no answer. What went wrong is said at the head of the page. */
function Ending({ view }: { view: RunView }) {
  const t = useTranslations("live.outcome");
  return <p className="text-soft">{view.status === "cancelled" ? t("cancelled") : t("no_answer")}</p>;
}

interface Findings {
  readonly verdicts: readonly { turn: Turn; verdict: Verdict }[];
  readonly tallies: readonly { turn: Turn; tally: Tally }[];
  readonly judgements: readonly { turn: Turn; judgement: Judgement }[];
}

function useFindings(): Findings {
  const turns = useTranscript(useRunHere(), "turns");
  return useMemo(() => {
    const done = [...turns.values()].filter((turn) => turn.output !== null);
    const read = <T,>(reader: (fields: Parameters<typeof verdictOf>[0]) => T | null) =>
      done.flatMap((turn) => {
        const found = reader(turn.output?.fields ?? {});
        return found === null ? [] : [{ turn, found }];
      });
    return {
      verdicts: read(verdictOf).map(({ turn, found }) => ({ turn, verdict: found })),
      tallies: read(tallyOf).map(({ turn, found }) => ({ turn, tally: found })),
      judgements: read(judgementOf).map(({ turn, found }) => ({ turn, judgement: found })),
    };
  }, [turns]);
}

function Finding({ turn, children }: { turn: Turn; children: React.ReactNode }) {
  const t = useTranslations("live.lane");
  return (
    <div className="min-w-0">
      <h3 className="mb-1 font-medium">
        {turn.label}
        {turn.visit > 1 && <span className="text-soft"> · {t("round", { number: turn.visit })}</span>}
      </h3>
      {children}
    </div>
  );
}
