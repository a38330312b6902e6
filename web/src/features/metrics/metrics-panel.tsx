"use client";

// The dashboard (MetricsPanel): how models, machine and queue are doing, and how they have done.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Activity } from "lucide-react";
import clsx from "clsx";
import { useDeferredValue, useState } from "react";
import { useTranslations } from "use-intl";
import metricsWords from "@/messages/en/metrics";
import { historyQuery, type MetricsHistory, type Range } from "@/shared/api/metrics";
import { withWords } from "@/shared/i18n/screen-words";
import { AlertList } from "@/shared/shell/alert-list";
import { ButtonLink } from "@/shared/ui/button";
import { Empty, ScreenHead } from "@/shared/ui/bits";
import { Segmented, Select } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { Breakers } from "./breakers";
import { CallCharts, MachineCharts } from "./charts";
import { CostChart } from "./cost";
import { MachineNow } from "./machine";
import { ModelsTable, useModelName } from "./models-table";
import { Tiles, TilesSkeleton } from "./tiles";
import { ChartSkeleton } from "./waiting";

const RANGES: readonly Range[] = ["15m", "1h", "6h", "24h", "7d", "30d"];
const CHARTS = "grid gap-4 lg:grid-cols-2 2xl:grid-cols-3";

export const MetricsPanel = withWords({ metrics: metricsWords }, Screen);

function Screen() {
  const t = useTranslations("metrics");
  const [range, setRange] = useState<Range>("1h");
  const [model, setModel] = useState<string | null>(null);
  const query = useQuery({ ...historyQuery(range, model), placeholderData: keepPreviousData });
  // Drawn bit by bit, so that what is pressed meanwhile is not held up.
  const history = useDeferredValue(query.data);
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")}>
        <ModelPicker models={history?.models.map((row) => row.model) ?? []} value={model} onChange={setModel} />
        <Segmented<Range>
          label={t("range")}
          hideLabel
          value={range}
          onChange={setRange}
          options={RANGES.map((value) => ({ value, label: t(`ranges.${value}`) }))}
        />
      </ScreenHead>
      <div
        aria-busy={query.isPending || query.isPlaceholderData}
        // The drawings alone are faint while others are on their way: words stay readable, however long that takes.
        className={clsx("flex flex-col gap-4", query.isPlaceholderData && "[&_canvas]:opacity-40")}
      >
        {query.error !== null && <Problem error={query.error} again={() => void query.refetch()} />}
        {history === undefined ? (query.isPending || query.data !== undefined) && <Waiting /> : <Dashboard history={history} model={model} />}
      </div>
    </>
  );
}

interface ModelPickerProps {
  models: readonly string[];
  value: string | null;
  onChange: (model: string | null) => void;
}

function ModelPicker({ models, value, onChange }: ModelPickerProps) {
  const t = useTranslations("metrics");
  const name = useModelName();
  const known = value === null || models.includes(value) ? models : [...models, value];
  return (
    <Select
      label={t("model")}
      hideLabel
      value={value ?? ""}
      onChange={(event) => onChange(event.target.value || null)}
      className="w-48 max-w-full"
    >
      <option value="">{t("all_models")}</option>
      {known.map((model) => (
        <option key={model} value={model}>
          {name(model)}
        </option>
      ))}
    </Select>
  );
}

function Dashboard({ history, model }: { history: MetricsHistory; model: string | null }) {
  const t = useTranslations("metrics");
  const row = history.models.find((one) => one.model === model) ?? (model === null ? history.totals : undefined);
  return (
    <>
      {history.alerts.length > 0 && (
        <Panel title={t("wrong")} flush>
          <AlertList alerts={history.alerts} />
        </Panel>
      )}
      {row !== undefined && row.calls > 0 ? (
        <>
          <Tiles history={history} row={row} />
          <div className={CHARTS}>
            <CallCharts history={history} />
            <Breakers history={history} />
          </div>
          <ModelsTable models={history.models} />
        </>
      ) : (
        <Quiet />
      )}
      <MachineNow machine={history.machine} />
      <div className="grid gap-4 lg:grid-cols-2">
        <MachineCharts history={history} />
        <CostChart />
      </div>
    </>
  );
}

function Quiet() {
  const t = useTranslations("metrics");
  return (
    <Panel>
      <Empty title={t("quiet_title")} icon={<Activity aria-hidden className="size-6" />}>
        <p>{t("quiet")}</p>
        <ButtonLink href="/" look="primary" size="sm">
          {t("ask")}
        </ButtonLink>
      </Empty>
    </Panel>
  );
}

function Waiting() {
  const t = useTranslations("metrics");
  return (
    <>
      <TilesSkeleton />
      <div className={CHARTS}>
        {(["chart_calls", "chart_tokens", "chart_latency", "chart_first", "chart_cache", "breakers"] as const).map((title) => (
          <ChartSkeleton key={title} title={t(title)} />
        ))}
      </div>
    </>
  );
}
