"use client";

// Quality against cost: each arm with its intervals, and the best that each price buys.
import { useRef } from "react";
import { useTranslations } from "use-intl";
import type { Report } from "../api";
import { useReportWords, type ReportWords } from "../words";
import { ChartPanel, PlainTable } from "./chart-panel";
import { frontierOf, linear, placeLabels, rangeOf, ticks } from "./geometry";
import { useWidth } from "./use-width";

const HEIGHT = 320;
const TOP = 14;
const LEFT = 48;
const RIGHT = 12;
const BOTTOM = 40;
const LETTER_PX = 6.6;
const SHOWN_CHARS = 28;

interface Point {
  name: string;
  score: number;
  cost: number;
  scores: { low: number; high: number };
  costs: { low: number; high: number };
}

export function Frontier({ report }: { report: Report }) {
  const t = useTranslations("evaluations.report");
  const words = useReportWords(report.unit);
  const points = report.arms.map((arm) => ({
    name: arm.arm,
    score: arm.mean_score,
    cost: arm.cost,
    scores: arm.interval,
    costs: arm.cost_interval,
  }));
  const table = (
    <PlainTable
      label={t("frontier")}
      heads={[t("arm"), t("frontier_y"), t("cost_column", { unit: words.unit })]}
      rows={points.map(({ name, score, cost, scores, costs }) => [
        name,
        `${words.share(score)} (${words.shareRange(scores)})`,
        `${words.cost(cost)} (${words.costRange(costs)})`,
      ])}
    />
  );
  return (
    <ChartPanel title={t("frontier")} about={t("frontier_about")} table={table}>
      <Drawing points={points} words={words} />
    </ChartPanel>
  );
}

function Drawing({ points, words }: { points: readonly Point[]; words: ReportWords }) {
  const t = useTranslations("evaluations.report");
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, 640);
  const costs = rangeOf(points.flatMap(({ cost, costs: { low, high } }) => [cost, low, high]), [0, Infinity], 0.1);
  const scores = rangeOf(points.flatMap(({ score, scores: { low, high } }) => [score, low, high]), [0, 1], 0.1);
  const x = linear(costs, [LEFT, width - RIGHT]);
  const y = linear(scores, [HEIGHT - BOTTOM, TOP]);
  const best = frontierOf(points);
  const labels = placeLabels(
    points.map((point) => ({ x: x(point.cost), y: y(point.score), width: short(point.name).length * LETTER_PX })),
    width - RIGHT,
    HEIGHT - BOTTOM,
  );
  const said = points.map(({ name, score, cost }) =>
    t("frontier_point", { arm: name, score: words.share(score), cost: `${words.cost(cost)} ${words.unit}` }),
  );
  return (
    <div ref={box} className="h-80 overflow-hidden">
      <svg role="img" aria-label={`${t("frontier")}. ${said.join("; ")}`} viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT} className="block text-xs select-text">
        {ticks(scores, 5).map((tick) => (
          <g key={tick}>
            <line x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} className="stroke-line" />
            <text x={LEFT - 6} y={y(tick) + 4} textAnchor="end" className="fill-soft tabular-nums">
              {words.whole(tick)}
            </text>
          </g>
        ))}
        {ticks(costs, Math.max(2, Math.floor(width / 110))).map((tick) => (
          <text key={tick} x={x(tick)} y={HEIGHT - BOTTOM + 16} textAnchor="middle" className="fill-soft tabular-nums">
            {words.cost(tick)}
          </text>
        ))}
        <text x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 6} textAnchor="middle" className="fill-soft">
          {t("frontier_x", { unit: words.unit })}
        </text>
        <polyline points={best.map(({ cost, score }) => `${x(cost)},${y(score)}`).join(" ")} fill="none" className="stroke-accent" strokeWidth={1.5} strokeDasharray="5 3" />
        {points.map((point, index) => {
          const isBest = best.includes(point);
          return (
            <g key={point.name} className={isBest ? "text-accent" : "text-soft"}>
              <title>{said[index]}</title>
              <line x1={x(point.cost)} x2={x(point.cost)} y1={y(point.scores.low)} y2={y(point.scores.high)} stroke="currentColor" strokeWidth={1.25} />
              <line x1={x(point.costs.low)} x2={x(point.costs.high)} y1={y(point.score)} y2={y(point.score)} stroke="currentColor" strokeWidth={1.25} />
              <circle cx={x(point.cost)} cy={y(point.score)} r={4.5} fill="currentColor" />
            </g>
          );
        })}
        {points.map((point, index) => {
          const label = labels[index];
          if (label === undefined) return null;
          // Over all lines, with an edge of the ground's colour: an interval runs through many a name.
          return (
            <text
              key={point.name}
              x={label.x}
              y={label.y}
              textAnchor={label.anchor}
              strokeWidth={4}
              strokeLinejoin="round"
              paintOrder="stroke"
              className={`fill-ink stroke-surface ${best.includes(point) ? "font-medium" : ""}`}
            >
              {short(point.name)}
            </text>
          );
        })}
      </svg>
    </div>
  );
}

function short(name: string): string {
  return name.length > SHOWN_CHARS ? `${name.slice(0, SHOWN_CHARS - 1)}…` : name;
}
