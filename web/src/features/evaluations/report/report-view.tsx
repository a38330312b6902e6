"use client";

// What came of an evaluation: the verdicts first, then all that they rest on.
import { useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useDeferredValue } from "react";
import { useTranslations } from "use-intl";
import { Skeleton } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { ServerText } from "@/shared/ui/server-text";
import { reportQuery, type Evaluation, type Report } from "../api";
import { Differences } from "../charts/differences";
import { Frontier } from "../charts/frontier";
import { Items } from "../items/items";
import { useReportWords } from "../words";
import { ArmsTable } from "./arms-table";
import { useCautionSentence } from "./caution-words";
import { DebatePanel } from "./debate-panel";
import { Verdicts } from "./verdicts";

export function ReportView({ evaluation }: { evaluation: Evaluation }) {
  const report = useQuery(reportQuery(evaluation));
  const shown = useDeferredValue(report.data);
  if (shown !== undefined) return <Shown report={shown} />;
  if (report.error !== null) return <Problem error={report.error} again={() => void report.refetch()} />;
  return <Waiting />;
}

function Shown({ report }: { report: Report }) {
  // The verdicts are painted before all that they rest on is drawn.
  const isWhole = useDeferredValue(true, false);
  return (
    <>
      <Verdicts report={report} />
      <Warnings report={report} />
      {isWhole ? <Grounds report={report} /> : <Skeleton className="h-dvh" />}
    </>
  );
}

function Grounds({ report }: { report: Report }) {
  return (
    <>
      <ArmsTable report={report} />
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <Frontier report={report} />
        {report.differences.length > 0 && <Differences report={report} />}
      </div>
      {report.debates?.map((debate) => (
        <DebatePanel key={debate.arm} debate={debate} report={report} />
      ))}
      <Items report={report} />
      <Paid report={report} />
    </>
  );
}

function Warnings({ report: { warnings = [], cautions = [], unit } }: { report: Report }) {
  const t = useTranslations("evaluations.report");
  const sentence = useCautionSentence(unit);
  if (warnings.length === 0) return null;
  const known = new Map(cautions.map((caution) => [caution.sentence, caution]));
  return (
    <section aria-label={t("warnings")} className="rounded-lg border border-line bg-warn-soft px-4 py-3">
      <h2 className="mb-1 flex items-center gap-2 font-semibold">
        <TriangleAlert aria-hidden className="size-4 text-warn" />
        {t("warnings")}
      </h2>
      <ul className="flex list-disc flex-col gap-1 pl-5">
        {warnings.map((warning) => {
          const caution = known.get(warning);
          return (
            <li key={warning} className="break-words">
              {(caution && sentence(caution)) ?? <ServerText text={warning} said={caution?.said} />}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Paid({ report }: { report: Report }) {
  const t = useTranslations("evaluations.report");
  const words = useReportWords(report.unit);
  return (
    <p className="text-sm text-soft">
      {t("paid", {
        calls: report.calls ?? 0,
        reused: words.number(report.reused_calls ?? 0),
        paid: words.usd(report.paid_usd),
        scorer: report.scorer,
      })}
    </p>
  );
}

function Waiting() {
  return (
    <Panel>
      <div aria-hidden className="flex min-h-dvh flex-col gap-3">
        <Skeleton className="h-16" />
        <Skeleton className="h-40" />
        <Skeleton className="h-80" />
      </div>
    </Panel>
  );
}
