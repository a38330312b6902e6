"use client";

// Every arm with its figures: how often it was right, what an answer took.
import { Star } from "lucide-react";
import { useLocale, useTranslations } from "use-intl";
import { useSaid } from "@/shared/server-words";
import { Panel } from "@/shared/ui/panel";
import type { AnyArm, ArmFigures, Report } from "../api";
import { useReportWords, type ReportWords } from "../words";

export function ArmsTable({ report }: { report: Report }) {
  const t = useTranslations("evaluations.report");
  const words = useReportWords(report.unit);
  const isJudged = report.scorer.startsWith("judge");
  const heads = [t(isJudged ? "score_mean" : "score"), t("failed"), t("unread"), t("calls"), t("tokens"), t("cost_column", { unit: words.unit }), t("p50"), t("p95")];
  return (
    <Panel title={t("arms")} flush>
      <div role="group" aria-label={t("arms")} tabIndex={0} className="overflow-x-auto">
        <table className="w-full text-right text-sm whitespace-nowrap tabular-nums">
          <thead className="bg-sunken text-xs text-soft">
            <tr>
              <th scope="col" className="px-4 py-2 text-left font-medium">
                {t("arm")}
              </th>
              {heads.map((head) => (
                <th key={head} scope="col" className="px-2.5 py-2 font-medium">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {report.arms.map((arm) => (
              <Row key={arm.arm} arm={arm} words={words} />
            ))}
          </tbody>
        </table>
      </div>
      <p className="px-4 py-3 text-sm text-soft">{t("per_answer", { confidence: words.whole(report.confidence) })}</p>
    </Panel>
  );
}

function Row({ arm, words }: { arm: ArmFigures; words: ReportWords }) {
  const t = useTranslations("evaluations.report");
  return (
    <tr className="border-t border-line align-top hover:bg-sunken">
      <th scope="row" className="max-w-72 min-w-40 px-4 py-2 text-left font-medium whitespace-normal">
        <span className="break-words">{arm.arm}</span>
        {arm.on_frontier && (
          <span title={t("frontier_mark")} className="ml-1.5 inline-block align-[-2px] text-accent">
            <Star aria-hidden className="size-3.5" fill="currentColor" />
            <span className="sr-only">{t("frontier_mark")}</span>
          </span>
        )}
        <Made arm={arm} words={words} />
      </th>
      <td className="px-2.5 py-2">
        <span className="font-medium">{words.share(arm.mean_score)}</span>
        <span className="block text-xs text-soft">({words.shareRange(arm.interval)})</span>
      </td>
      <td className={`px-2.5 py-2 ${arm.failed > 0 ? "text-bad" : ""}`}>{words.number(arm.failed)}</td>
      <td className="px-2.5 py-2">{words.number(arm.unread)}</td>
      <td className="px-2.5 py-2">{words.number(arm.calls, 1)}</td>
      <td className="px-2.5 py-2">{words.compact(arm.prompt_tokens + arm.completion_tokens)}</td>
      <td className="px-2.5 py-2">
        {words.cost(arm.cost)}
        <span className="block text-xs text-soft">({words.costRange(arm.cost_interval)})</span>
      </td>
      <td className="px-2.5 py-2">{words.number(arm.seconds_p50, 2)}</td>
      <td className="px-2.5 py-2">{words.number(arm.seconds_p95, 2)}</td>
    </tr>
  );
}

/** How a derived arm was made: in the server's words, or which kind it is of where the page is in another language. */
function Made({ arm: { kind, origin }, words }: { arm: ArmFigures; words: ReportWords }) {
  const t = useTranslations("evaluations");
  const locale = useLocale();
  const told = useSaid()(origin?.said);
  if (!origin?.sentence) return null;
  const { k, sentence } = origin;
  const votes = typeof k === "number" ? ` (${t("report.said.votes", { k: words.number(k, 1) })})` : "";
  return (
    <span className="block text-xs font-normal text-soft">
      {locale === "en" ? sentence : (kind === "imported" && told) || t(`kind.${kind as NonNullable<AnyArm["kind"]>}`) + votes}
    </span>
  );
}
