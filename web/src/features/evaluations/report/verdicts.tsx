"use client";

// The verdicts, as sentences: claims at equal cost first, each with what it rests on folded behind it.
import { useTranslations } from "use-intl";
import { Fold } from "@/shared/ui/fold";
import { Panel } from "@/shared/ui/panel";
import { ServerText } from "@/shared/ui/server-text";
import type { PairedDifference, Report } from "../api";
import { VerdictBadge } from "../standing";
import { useReportWords } from "../words";
import { useVerdictSentence } from "./verdict-words";

export function Verdicts({ report }: { report: Report }) {
  const t = useTranslations("evaluations");
  const sentence = useVerdictSentence(report);
  const ordered = [...report.differences].sort((one, other) => Number(hasClaim(other)) - Number(hasClaim(one)));
  return (
    <Panel title={t("report.verdicts")} flush>
      {ordered.length === 0 && <p className="p-4 text-soft">{t("report.no_differences")}</p>}
      <ul className="divide-y divide-line">
        {ordered.map((one) => (
          <li key={`${one.arm} ${one.against}`} className="flex flex-col gap-1.5 px-4 py-3">
            <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <VerdictBadge verdict={one.verdict} difference={one.difference} />
              <span className="text-sm break-words text-soft">{t("against", { arm: one.arm, against: one.against })}</span>
            </p>
            <p className="max-w-prose text-lg break-words">{sentence(one)}</p>
            <Foundation one={one} report={report} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const hasClaim = ({ cost_match }: PairedDifference) => cost_match !== null && cost_match !== undefined;

function Foundation({ one, report }: { one: PairedDifference; report: Report }) {
  const t = useTranslations("evaluations");
  const words = useReportWords(report.unit);
  const facts: [string, string][] = [
    [t("report.difference"), `${words.points(one.difference)} (${words.pointRange(one.interval)})`],
    [t("report.p"), words.p(one.p_adjusted)],
  ];
  if (one.binary)
    facts.push(
      [t("report.only_arm", { arm: one.arm }), words.number(one.only_arm)],
      [t("report.only_against", { against: one.against }), words.number(one.only_against)],
      [t("report.both"), words.number(one.both)],
      [t("report.neither"), words.number(one.neither)],
    );
  facts.push([t("report.cost_column", { unit: words.unit }), `${words.cost(one.cost_difference)} (${words.costRange(one.cost_interval)})`]);
  return (
    <Fold mustShow={false}>
      <summary className="w-fit text-sm text-soft hover:text-ink">{t("report.method")}</summary>
      <dl className="mt-2 grid gap-x-6 gap-y-1 text-sm sm:grid-cols-2 lg:grid-cols-3">
        {facts.map(([name, value]) => (
          <div key={name} className="flex justify-between gap-3 border-b border-line py-1 sm:block">
            <dt className="text-soft">{name}</dt>
            <dd className="tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-2 max-w-prose text-sm text-soft">
        <ServerText text={one.method} said={one.method_said} />
      </p>
      {one.cost_match && (
        <p className="max-w-prose text-sm text-soft">
          <ServerText text={one.cost_match.sentence} said={one.cost_match.said} />
        </p>
      )}
      <p className="max-w-prose text-sm text-soft">{t("report.smallest", { points: words.size(one.smallest_difference) })}</p>
    </Fold>
  );
}
