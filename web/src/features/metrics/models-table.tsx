"use client";

// What calls of each model came to in the range.
import { useTranslations } from "use-intl";
import type { ModelRow } from "@/shared/api/metrics";
import { useFigures } from "@/shared/format/figures";
import { Panel } from "@/shared/ui/panel";

const HEAD = ["calls", "errors", "tokens", "speed", "answer", "first", "cost", "cache"] as const;

/** The name of a row: not each of them is a model. */
export function useModelName(): (model: string) => string {
  const t = useTranslations("metrics");
  return (model) => (model === "rejected" || model === "others" ? t(model) : model);
}

export function ModelsTable({ models }: { models: readonly ModelRow[] }) {
  const t = useTranslations("metrics");
  const title = t("by_model");
  return (
    <Panel title={title} flush>
      <div role="group" aria-label={title} tabIndex={0} className="overflow-x-auto">
        <table className="w-full text-right text-sm whitespace-nowrap tabular-nums">
          <thead className="bg-sunken text-xs text-soft">
            <tr>
              <th scope="col" className="px-4 py-2 text-left font-medium">
                {t("table.model")}
              </th>
              {HEAD.map((name) => (
                <th key={name} scope="col" className="px-2.5 py-2 font-medium">
                  {t(`table.${name}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {models.map((row) => (
              <Row key={row.model} row={row} />
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Row({ row }: { row: ModelRow }) {
  const t = useTranslations("metrics");
  const figures = useFigures();
  const name = useModelName();
  const seconds = ({ p50, p95, p99 }: ModelRow["total"]) =>
    p50 === null ? "–" : [p50, p95, p99].map(figures.seconds).join(" · ");
  const slugs = Object.entries(row.errors_by_slug).map(([slug, count]) => `${slug}: ${figures.number(count)}`);
  return (
    <tr className="border-t border-line hover:bg-sunken">
      <th scope="row" className="max-w-64 min-w-32 px-4 py-2 text-left font-medium break-words whitespace-normal">
        {name(row.model)}
      </th>
      <td className="px-2.5 py-2">{figures.number(row.calls)}</td>
      <td className={`px-2.5 py-2 ${row.errors > 0 ? "text-bad" : ""}`}>
        {figures.number(row.errors)}
        {slugs.length > 0 && <span className="ml-auto block max-w-36 min-w-28 text-xs whitespace-normal text-soft">{slugs.join(", ")}</span>}
      </td>
      <td className="px-2.5 py-2" title={figures.number(row.prompt_tokens + row.completion_tokens)}>
        {figures.compact(row.prompt_tokens + row.completion_tokens)}
      </td>
      <td className="px-2.5 py-2">{row.tokens_per_s === null ? "–" : figures.number(row.tokens_per_s, 1)}</td>
      <td className="px-2.5 py-2">{seconds(row.total)}</td>
      <td className="px-2.5 py-2">{seconds(row.first_token)}</td>
      <td className="px-2.5 py-2">
        {row.answers === 0 ? "–" : figures.usd(row.cost_usd)}
        {row.unpriced > 0 && row.cost_usd !== null && (
          <span className="ml-auto block max-w-28 min-w-24 text-xs whitespace-normal text-soft">{t("unpriced", { count: row.unpriced })}</span>
        )}
      </td>
      <td className="px-2.5 py-2">{row.cache_hit_ratio === null ? "–" : figures.share(row.cache_hit_ratio)}</td>
    </tr>
  );
}
