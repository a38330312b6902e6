"use client";

// What each node of a flow cost, and what leaving it out would have lost.
import { useTranslations } from "use-intl";
import { Meter } from "@/shared/ui/bits";
import type { NodeWorth, Report } from "../api";
import { PlainTable } from "../charts/chart-panel";
import { useReportWords } from "../words";
import { useNodeSentence } from "./verdict-words";

export function NodesTable({ nodes, report }: { nodes: readonly NodeWorth[]; report: Report }) {
  const t = useTranslations("evaluations.report");
  const words = useReportWords(report.unit);
  const sentence = useNodeSentence();
  const whole = nodes.reduce((sum, { cost }) => sum + cost, 0);
  const perCost = (value: number | null | undefined) =>
    value === null || value === undefined
      ? t("not_known")
      : t(report.unit === "usd" ? "per_usd" : "per_tokens", { points: words.few(value) });
  return (
    <div>
      <h3 className="mb-1 font-medium">{t("nodes")}</h3>
      <PlainTable
        label={t("nodes")}
        heads={[t("node"), t("calls"), t("cost_column", { unit: words.unit }), t("share"), t("gain"), t("per_cost")]}
        rows={nodes.map((node) => [
          <span key="name" className="block max-w-64 whitespace-normal">
            <span className="font-mono text-sm">{node.node}</span>
            {node.sentence && <span className="block text-xs font-normal text-soft">{sentence(node)}</span>}
          </span>,
          words.number(node.calls, 1),
          words.cost(node.cost),
          <span key="share" className="ml-auto block w-20">
            {words.whole(whole === 0 ? 0 : node.cost / whole)}
            <Meter label={`${t("share")}: ${node.node}`} value={whole === 0 ? 0 : node.cost / whole} />
          </span>,
          <Gain key="gain" node={node} words={words} />,
          perCost(node.per_cost),
        ])}
      />
    </div>
  );
}

function Gain({ node: { difference, interval }, words }: { node: NodeWorth; words: ReturnType<typeof useReportWords> }) {
  const t = useTranslations("evaluations.report");
  if (difference === null || difference === undefined) return t("not_known");
  return (
    <>
      {words.points(difference)}
      {interval && <span className="block text-xs text-soft">({words.pointRange(interval)})</span>}
    </>
  );
}
