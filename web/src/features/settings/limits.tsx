"use client";

// The limits in force, each with the name under which the administrator sets it.
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { spendingQuery } from "@/shared/api/metrics";
import type { ServerSettings } from "@/shared/api/setup";
import { useFigures } from "@/shared/format/figures";
import { Panel } from "@/shared/ui/panel";

export function Limits({ limits }: { limits: ServerSettings["limits"] }) {
  const t = useTranslations("settings.limits");
  const figures = useFigures();
  const tf = useTranslations("common.figures");
  const seconds = (value: number) => tf("seconds", { seconds: figures.number(value, Number.isInteger(value) ? 0 : 1) });
  const rows: [string, string, string][] = [
    [t("runs_at_once"), figures.number(limits.runs_at_once), "AGENT_LAB_MAX_RUNS"],
    [t("runs_waiting"), figures.number(limits.runs_waiting), "AGENT_LAB_MAX_QUEUE"],
    [t("daily_budget"), useBudgetWords(limits.daily_budget_usd), "AGENT_LAB_DAILY_BUDGET_USD"],
    [t("max_tokens"), figures.number(limits.max_tokens), "MAX_TOKENS_DEFAULT"],
    [t("request_timeout"), seconds(limits.request_timeout_s), "REQUEST_TIMEOUT"],
    [
      t("breaker"),
      t("breaker_value", { time: seconds(limits.left_alone_s), count: limits.failures_to_open }),
      "CIRCUIT_BREAKER_TIMEOUT",
    ],
    [t("memory"), figures.gb(limits.memory_gb), "MAX_VRAM_USAGE_GB"],
  ];
  return (
    <Panel title={t("title")} flush>
      <dl className="divide-y divide-line">
        {rows.map(([name, value, variable]) => (
          <div key={variable} className="flex flex-wrap items-baseline justify-between gap-x-4 px-4 py-2">
            <dt className="min-w-0">
              {name}
              <span className="block font-mono text-xs break-all text-soft" title={t("set", { name: variable })}>
                {variable}
              </span>
            </dt>
            <dd className="font-medium tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function useBudgetWords(budget: number | null): string {
  const t = useTranslations("settings.limits");
  const figures = useFigures();
  const spending = useQuery(spendingQuery(1));
  const spent = spending.data === undefined ? "…" : figures.usd(spending.data.today_usd);
  return budget === null ? t("daily_none", { spent }) : t("daily_left", { spent, budget: figures.usd(budget) });
}
