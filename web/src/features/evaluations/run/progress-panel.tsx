"use client";

// How far an evaluation is, what it has cost so far, and how long it will take yet.
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { Meter } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";
import type { Evaluation } from "../api";
import { shareOf } from "../standing";

export function ProgressPanel({ evaluation }: { evaluation: Evaluation }) {
  const t = useTranslations("evaluations");
  const figures = useFigures();
  const { cells = 0, of = 0, calls = 0, reused_calls = 0, paid_usd = null, seconds = 0, seconds_left = null } = evaluation.progress ?? {};
  const left = seconds_left === null ? t("left_unknown") : t("left", { time: figures.about(seconds_left) });
  return (
    <Panel title={t("run.progress")}>
      <Meter label={t("run.progress_label")} value={shareOf(evaluation)} text={t("cells", { cells, of })} />
      <p className="mt-2 flex flex-wrap justify-between gap-x-4 tabular-nums">
        <span className="font-medium">{t("cells", { cells, of })}</span>
        <span className="text-soft">{left}</span>
      </p>
      <dl className="mt-4 grid grid-cols-2 gap-3 text-sm sm:grid-cols-3">
        <Figure name={t("run.paid")}>{figures.usd(paid_usd)}</Figure>
        <Figure name={t("run.calls")} more={reused_calls > 0 ? t("run.reused", { count: reused_calls }) : undefined}>
          {figures.number(calls)}
        </Figure>
        <Figure name={t("run.worked")}>{figures.seconds(seconds)}</Figure>
      </dl>
      <p className="mt-4 text-sm text-soft">{t("run.waiting")}</p>
    </Panel>
  );
}

function Figure({ name, more, children }: { name: string; more?: string | undefined; children: string }) {
  return (
    <div>
      <dt className="text-soft">{name}</dt>
      <dd className="text-lg font-medium tabular-nums">{children}</dd>
      {more !== undefined && <dd className="text-xs text-soft">{more}</dd>}
    </div>
  );
}
