"use client";

// The figures of the range at a glance.
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { MetricsHistory, ModelRow } from "@/shared/api/metrics";
import { useFigures } from "@/shared/format/figures";
import { Skeleton } from "@/shared/ui/bits";
import { last } from "./points";

interface TileProps {
  label: string;
  value: ReactNode;
  more?: string;
  isBad?: boolean;
}

function Tile({ label, value, more, isBad = false }: TileProps) {
  return (
    <div className="flex min-w-0 flex-col gap-0.5 bg-surface px-4 py-3">
      <dt className="truncate text-sm text-soft">{label}</dt>
      <dd className={`truncate text-xl font-semibold tabular-nums ${isBad ? "text-bad" : ""}`}>{value}</dd>
      <dd className="min-h-5 truncate text-xs text-soft tabular-nums" title={more}>
        {more}
      </dd>
    </div>
  );
}

const GRID = "grid grid-cols-2 gap-px overflow-hidden rounded-lg border border-line bg-line sm:grid-cols-4 xl:grid-cols-8";

export function TilesSkeleton() {
  return (
    <div className={GRID}>
      {Array.from({ length: 8 }, (_, index) => (
        <div key={index} className="bg-surface px-4 py-3">
          <Skeleton className="h-[4.5rem]" />
        </div>
      ))}
    </div>
  );
}

/** Null where nothing was answered, or no price is known. */
function costOf({ answers, cost_usd: cost }: ModelRow): number | null {
  return answers === 0 ? null : cost;
}

/** `row`: the model that is looked at, or all together. */
export function Tiles({ history, row }: { history: MetricsHistory; row: ModelRow }) {
  const t = useTranslations("metrics");
  const figures = useFigures();
  const { queue, series } = history;
  const cost = costOf(row);
  const speed = last(series.completion_tokens_per_s);
  const share = row.calls === 0 ? null : row.errors / row.calls;
  return (
    <dl aria-label={t("now")} className={GRID}>
      <Tile label={t("calls")} value={figures.compact(row.calls)} more={figures.tokens(row.completion_tokens + row.prompt_tokens)} />
      <Tile
        label={t("errors")}
        value={figures.compact(row.errors)}
        {...(share !== null && { more: t("errors_of", { share: figures.share(share) }) })}
        isBad={row.errors > 0}
      />
      <Tile label={t("tokens_s")} value={speed === null ? "–" : figures.number(speed, speed === 0 || speed >= 10 ? 0 : 1)} />
      <Tile
        label={t("p95")}
        value={row.total.p95 === null ? "–" : figures.seconds(row.total.p95)}
        {...(row.first_token.p95 !== null && { more: t("p95_first", { seconds: figures.seconds(row.first_token.p95) }) })}
      />
      <Tile label={t("cache")} value={row.cache_hit_ratio === null ? "–" : figures.share(row.cache_hit_ratio)} />
      <Tile
        label={t("cost")}
        value={cost === null ? "–" : figures.usd(cost)}
        {...(row.unpriced > 0 && { more: t("unpriced", { count: row.unpriced }) })}
      />
      <Tile
        label={t("queue")}
        value={queue === null ? "–" : figures.number(queue.running)}
        {...(queue !== null && { more: t("queued", { count: queue.queued }) })}
      />
      <Tile label={t("cpu")} value={history.machine.cpu_percent === null ? "–" : figures.share(history.machine.cpu_percent / 100)} />
    </dl>
  );
}
