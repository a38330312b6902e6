"use client";

// What was spent on each of the last days, and what is left of today's budget.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslations } from "use-intl";
import { spendingQuery } from "@/shared/api/metrics";
import { useFigures } from "@/shared/format/figures";
import { useNow } from "@/shared/format/when";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { Chart } from "./chart";
import { spentByDay, type Line } from "./points";
import { ChartSkeleton } from "./waiting";

const DAYS = 30;

export function CostChart() {
  const t = useTranslations("metrics");
  const figures = useFigures();
  const now = useNow();
  const spending = useQuery(spendingQuery(DAYS));
  const today = now === 0 ? "" : new Date(now).toISOString().slice(0, 10);
  const { times, lines } = useMemo(() => {
    const spent = spentByDay(spending.data?.days ?? [], today || "2026-01-01", DAYS);
    const line: Line = { label: t("line.cost"), values: spent.usd, tone: "accent" };
    return { times: spent.times, lines: [line] };
  }, [spending.data, today, t]);
  if (spending.data === undefined && spending.error !== null)
    return (
      <Panel title={t("chart_cost")}>
        <Problem error={spending.error} again={() => void spending.refetch()} />
      </Panel>
    );
  if (spending.data === undefined || today === "") return <ChartSkeleton title={t("chart_cost")} />;
  const { today_usd: spent, daily_budget_usd: budget } = spending.data;
  const note =
    budget === null
      ? t("no_budget", { spent: figures.usd(spent) })
      : t("budget", { spent: figures.usd(spent), budget: figures.usd(budget) });
  return <Chart title={t("chart_cost")} times={times} lines={lines} say={figures.usd} sayAxis={figures.usd} bars note={note} />;
}
