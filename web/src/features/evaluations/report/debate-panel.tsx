"use client";

// What the deliberation of one arm did to its answers: flips, the right answer lost on the way, rounds, nodes.
import { useTranslations } from "use-intl";
import { Meter } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";
import type { Debate, Report } from "../api";
import { PlainTable } from "../charts/chart-panel";
import { FlipDiagram } from "../charts/flip-diagram";
import { useReportWords } from "../words";
import { NodesTable } from "./nodes-table";

export function DebatePanel({ debate, report }: { debate: Debate; report: Report }) {
  const t = useTranslations("evaluations.report");
  const { flips = [], rounds = [], nodes = [] } = debate;
  return (
    <Panel title={t("debate", { arm: debate.arm })}>
      <div className="flex flex-col gap-6">
        <Accuracies debate={debate} report={report} />
        {flips.length > 0 && (
          <div className="grid gap-x-8 gap-y-6 lg:grid-cols-2">
            {flips.map((one) => (
              <FlipDiagram key={`${one.before} ${one.after}`} flips={one} />
            ))}
          </div>
        )}
        {rounds.length > 1 && <Rounds debate={debate} report={report} />}
        {nodes.length > 0 && <NodesTable nodes={nodes} report={report} />}
      </div>
    </Panel>
  );
}

function Accuracies({ debate, report }: { debate: Debate; report: Report }) {
  const t = useTranslations("evaluations.report");
  const words = useReportWords(report.unit);
  const facts: [string, number | null | undefined][] = [
    [t("draft"), debate.draft_accuracy],
    [t("vote"), debate.vote_accuracy],
    [t("answer"), debate.answer_accuracy],
    [t("oracle"), debate.oracle_accuracy],
    [t("oracle_gap"), debate.oracle_gap],
    [t("conformity"), debate.conformity],
    [t("conformity_wrong"), debate.conformity_to_wrong],
  ];
  return (
    <dl className="grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-3 lg:grid-cols-4">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt className="text-sm text-soft">{name}</dt>
          <dd className="text-lg font-medium tabular-nums">{value === null || value === undefined ? t("not_known") : words.share(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Rounds({ debate: { rounds = [] }, report }: { debate: Debate; report: Report }) {
  const t = useTranslations("evaluations.report");
  const words = useReportWords(report.unit);
  return (
    <div>
      <h3 className="mb-1 font-medium">{t("rounds")}</h3>
      <PlainTable
        label={t("rounds")}
        className="max-w-xl"
        heads={[t("round"), t("statements"), t("accuracy")]}
        rows={rounds.map(({ round, statements, accuracy }) => [
          words.number(round),
          words.number(statements),
          <span key="share" className="flex items-center justify-end gap-3">
            <span className="block w-24 sm:w-40">
              <Meter label={`${t("round")} ${round}`} value={accuracy} text={words.share(accuracy)} />
            </span>
            {words.share(accuracy)}
          </span>,
        ])}
      />
    </div>
  );
}
