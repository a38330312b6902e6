"use client";

// What the evaluation would take and what it could show, told by the server before anything is sent.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useDeferredValue, type ReactNode } from "react";
import { useLocale, useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { useSettled } from "@/shared/settled";
import { Button } from "@/shared/ui/button";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { ServerText } from "@/shared/ui/server-text";
import { signedPoints } from "@/shared/worth/points";
import { estimateQuery, type Estimate, type EvaluationSpec } from "../api";
import { specOf, useDraft, wrongIn } from "./draft";

const QUIET_MS = 400;

export function EstimatePanel({ isSending }: { isSending: boolean }) {
  const t = useTranslations("evaluations.form");
  const draft = useDraft();
  const isWhole = wrongIn(draft).length === 0;
  const estimate = useEstimate(isWhole);
  return (
    <Panel title={t("estimate")}>
      <div className="flex min-h-72 flex-col gap-4">
        <div className="flex-1" aria-live="polite" aria-busy={estimate.isFetching}>
          {!isWhole && <p className="text-soft">{t("estimate_wait")}</p>}
          {isWhole && estimate.error !== null && <Problem error={estimate.error} />}
          {isWhole && estimate.error === null && <Figures estimate={estimate.data} />}
        </div>
        <Button type="submit" look="primary" busy={isSending} disabled={!isWhole}>
          {t("send")}
        </Button>
      </div>
    </Panel>
  );
}

function useEstimate(isWhole: boolean) {
  const draft = useDraft();
  const language = useLocale();
  const asked = useSettled(useDeferredValue(isWhole ? JSON.stringify(specOf(draft, language)) : ""), QUIET_MS);
  return useQuery({
    ...estimateQuery(asked === "" ? ({} as EvaluationSpec) : (JSON.parse(asked) as EvaluationSpec)),
    enabled: isWhole && asked !== "",
    placeholderData: keepPreviousData,
  });
}

function Figures({ estimate }: { estimate: Estimate | undefined }) {
  const t = useTranslations("evaluations");
  const figures = useFigures();
  const locale = useLocale();
  if (estimate === undefined) return <p className="text-soft">…</p>;
  const { items, cells, calls, calls_at_most, tokens, cost_usd, cost_at_most_usd, seconds, smallest_difference, warnings = [], said = {} } = estimate;
  const points = signedPoints(smallest_difference, locale).replace("+", "");
  return (
    <>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1.5">
        <Row name={t("form.items")}>{figures.number(items)}</Row>
        <Row name={t("form.cells")}>{figures.number(cells)}</Row>
        <Row name={t("form.calls")}>{t("form.calls_value", { calls: figures.number(calls), most: figures.number(calls_at_most) })}</Row>
        <Row name={t("form.tokens")}>{tokens === null ? figures.usd(null) : figures.compact(tokens)}</Row>
        <Row name={t("form.cost")}>
          {cost_usd === null ? figures.usd(null) : t("form.cost_value", { cost: figures.usd(cost_usd), most: figures.usd(cost_at_most_usd) })}
        </Row>
        <Row name={t("form.time")}>{figures.seconds(seconds)}</Row>
        <Row name={t("form.sees")}>
          <strong className="font-medium">{t("form.sees_value", { points: t("points", { value: points }) })}</strong>
        </Row>
      </dl>
      {warnings.length > 0 && (
        <ul className="mt-3 flex flex-col gap-2">
          {warnings.map((warning) => (
            <li key={warning} className="flex gap-2 rounded-md bg-warn-soft px-3 py-2 text-sm">
              <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
              <ServerText text={warning} said={said[warning]} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="text-right tabular-nums">{children}</dd>
    </>
  );
}
