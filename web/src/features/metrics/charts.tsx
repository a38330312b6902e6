"use client";

// The charts of the dashboard: what each of them draws of the history.
import { useMemo } from "react";
import { useTranslations } from "use-intl";
import type { MetricsHistory } from "@/shared/api/metrics";
import { useFigures } from "@/shared/format/figures";
import { Chart } from "./chart";
import { timesOf, type Line } from "./points";

const GROUP = "metrics";
type Series = MetricsHistory["series"];

/** What models were asked and how they answered. */
export function CallCharts({ history }: { history: MetricsHistory }) {
  const t = useTranslations("metrics");
  const figures = useFigures();
  const { series } = history;
  const times = useMemo(() => timesOf(history), [history]);
  const rate = (value: number) => figures.number(value, value === 0 || value >= 10 ? 0 : 1);
  const lines = useMemo(() => callLines(series, (name) => t(`line.${name}`)), [series, t]);
  return (
    <>
      <Chart title={t("chart_calls")} times={times} lines={lines.calls} say={rate} group={GROUP} />
      <Chart title={t("chart_tokens")} times={times} lines={lines.tokens} say={rate} group={GROUP} />
      <Chart title={t("chart_latency")} times={times} lines={lines.answer} say={figures.seconds} group={GROUP} />
      <Chart title={t("chart_first")} times={times} lines={lines.first} say={figures.seconds} group={GROUP} />
      <Chart title={t("chart_cache")} times={times} lines={lines.cache} say={figures.share} sayAxis={figures.share} max={1} group={GROUP} />
    </>
  );
}

type CallName = "answers" | "errors" | "prompt" | "completion" | "p50" | "p95" | "p99" | "ratio";

function callLines(series: Series, name: (line: CallName) => string): Record<"calls" | "tokens" | "answer" | "first" | "cache", Line[]> {
  const quantiles = (p50: Line["values"], p95: Line["values"], p99: Line["values"]): Line[] => [
    { label: name("p50"), values: p50, tone: "accent" },
    { label: name("p95"), values: p95, tone: "accent", dash: "dashed" },
    { label: name("p99"), values: p99, tone: "soft", dash: "dotted" },
  ];
  return {
    calls: [
      { label: name("answers"), values: series.answers_per_min, tone: "accent", fill: true },
      { label: name("errors"), values: series.errors_per_min, tone: "bad" },
    ],
    tokens: [
      { label: name("completion"), values: series.completion_tokens_per_s, tone: "accent", fill: true },
      { label: name("prompt"), values: series.prompt_tokens_per_s, tone: "soft", dash: "dashed" },
    ],
    answer: quantiles(series.total_p50_s, series.total_p95_s, series.total_p99_s),
    first: quantiles(series.first_token_p50_s, series.first_token_p95_s, series.first_token_p99_s),
    cache: [{ label: name("ratio"), values: series.cache_hit_ratio, tone: "accent", fill: true }],
  };
}

/** How busy and how full the machine was, and the queue. */
export function MachineCharts({ history }: { history: MetricsHistory }) {
  const t = useTranslations("metrics");
  const figures = useFigures();
  const { series } = history;
  const times = useMemo(() => timesOf(history), [history]);
  const percent = (value: number) => figures.share(value / 100);
  const whole = (value: number) => figures.number(value);
  const lines = useMemo(() => machineLines(series, t), [series, t]);
  return (
    <>
      <Chart title={t("chart_queue")} times={times} lines={lines.queue} say={whole} whole group={GROUP} />
      <Chart
        title={t("chart_cpu")}
        times={times}
        lines={lines.busy}
        say={percent}
        sayAxis={percent}
        max={100}
        group={GROUP}
      />
      <Chart title={t("chart_memory")} times={times} lines={lines.memory} say={figures.gb} sayAxis={figures.gb} group={GROUP} />
    </>
  );
}

const MORE: Pick<Line, "tone" | "dash">[] = [
  { tone: "good" },
  { tone: "warn" },
  { tone: "good", dash: "dashed" },
  { tone: "warn", dash: "dashed" },
];

function machineLines(series: Series, t: ReturnType<typeof useTranslations<"metrics">>): Record<"queue" | "busy" | "memory", Line[]> {
  const gpus = series.devices.filter(({ name }) => name !== "cpu");
  const look = (index: number) => MORE[index % MORE.length] ?? { tone: "soft" as const };
  const cpu = series.devices.find(({ name }) => name === "cpu");
  return {
    queue: [
      { label: t("line.active"), values: series.active_runs, tone: "accent", fill: true },
      { label: t("line.queued"), values: series.queued_runs, tone: "warn" },
      { label: t("line.calls_waiting"), values: series.waiting_calls, tone: "soft", dash: "dashed" },
    ],
    busy: [
      { label: t("line.cpu"), values: series.cpu_percent, tone: "accent", fill: true },
      ...gpus
        .filter(({ utilisation_percent }) => utilisation_percent.some((value) => value !== null))
        .map((gpu, index) => ({ label: t("line.gpu", { name: gpu.name }), values: gpu.utilisation_percent, ...look(index) })),
    ],
    memory: [
      { label: t("line.ram"), values: series.ram_used_gb, tone: "accent" },
      ...(cpu === undefined
        ? []
        : [{ label: t("line.by_models", { name: t("line.ram") }), values: cpu.used_by_models_gb, tone: "soft" as const, dash: "dashed" as const }]),
      ...gpus.map((gpu, index) => ({ label: t("line.used", { name: gpu.name }), values: gpu.used_gb, ...look(index) })),
    ],
  };
}
