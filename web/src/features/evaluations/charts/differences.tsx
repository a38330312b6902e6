"use client";

// Paired differences: each with its interval, beside 0 and the band in which a difference would not matter.
import { useRef } from "react";
import { useTranslations } from "use-intl";
import type { PairedDifference, Report, Verdict } from "../api";
import { useReportWords, type ReportWords } from "../words";
import { ChartPanel, PlainTable } from "./chart-panel";
import { aroundZero, linear, ticks } from "./geometry";
import { useWidth } from "./use-width";

const ROW = 52;
const AXIS = 26;
const EDGE = 12;
const INK: Record<Verdict, string> = {
  better: "text-good",
  worse: "text-bad",
  no_difference: "text-ink",
  inconclusive: "text-soft",
  refused: "text-warn",
};

export function Differences({ report }: { report: Report }) {
  const t = useTranslations("evaluations");
  const words = useReportWords(report.unit);
  const margin = report.evaluation.spec.margin ?? 0.02;
  const { differences } = report;
  const table = (
    <PlainTable
      label={t("report.differences")}
      heads={[t("report.arm"), t("report.difference"), t("report.p")]}
      rows={differences.map((one) => [
        t("against", { arm: one.arm, against: one.against }),
        `${words.points(one.difference)} (${words.pointRange(one.interval)})`,
        words.p(one.p_adjusted),
      ])}
    />
  );
  const about = t("report.differences_about", { confidence: words.whole(report.confidence), margin: words.size(margin) });
  return (
    <ChartPanel title={t("report.differences")} about={about} table={table}>
      <Drawing differences={differences} margin={margin} words={words} />
    </ChartPanel>
  );
}

interface DrawingProps {
  differences: readonly PairedDifference[];
  margin: number;
  words: ReportWords;
}

function Drawing({ differences, margin, words }: DrawingProps) {
  const t = useTranslations("evaluations");
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, 640);
  const range = aroundZero(differences.flatMap(({ difference, interval }) => [difference, interval.low, interval.high]), margin * 1.5);
  const x = linear(range, [EDGE, width - EDGE]);
  const height = differences.length * ROW + AXIS;
  const said = differences.map(
    (one) => `${t("against", { arm: one.arm, against: one.against })}: ${words.points(one.difference)} (${words.pointRange(one.interval)}), ${t(`verdict.${one.verdict}`)}`,
  );
  return (
    <div ref={box} className="overflow-hidden">
      <svg
        role="img"
        aria-label={`${t("report.differences")}. ${said.join("; ")}`}
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
        className="block text-xs select-text"
      >
        <rect x={x(-margin)} width={x(margin) - x(-margin)} y={0} height={height - AXIS} className="fill-sunken" />
        <line x1={x(0)} x2={x(0)} y1={0} y2={height - AXIS} className="stroke-line-strong" />
        {ticks(range, Math.max(2, Math.floor(width / 120))).map((tick) => (
          <text key={tick} x={x(tick)} y={height - 8} textAnchor="middle" className="fill-soft tabular-nums">
            {words.points(tick)}
          </text>
        ))}
        {differences.map((one, index) => (
          <Row key={`${one.arm} ${one.against}`} one={one} top={index * ROW} x={x} width={width} words={words} title={said[index] ?? ""} />
        ))}
      </svg>
    </div>
  );
}

interface RowProps {
  one: PairedDifference;
  top: number;
  x: (value: number) => number;
  width: number;
  words: ReportWords;
  title: string;
}

function Row({ one, top, x, width, words, title }: RowProps) {
  const t = useTranslations("evaluations");
  const middle = top + 34;
  const [low, high] = [x(one.interval.low), x(one.interval.high)];
  const name = t("against", { arm: one.arm, against: one.against });
  const room = Math.floor((width - 90) / 6.4);
  return (
    <g className={INK[one.verdict]}>
      <title>{title}</title>
      <text x={EDGE} y={top + 16} className="fill-ink">
        {name.length > room ? `${name.slice(0, room - 1)}…` : name}
      </text>
      <text x={width - EDGE} y={top + 16} textAnchor="end" fill="currentColor" className="font-medium tabular-nums">
        {words.points(one.difference)}
      </text>
      <line x1={low} x2={high} y1={middle} y2={middle} stroke="currentColor" strokeWidth={2} />
      {[low, high].map((end) => (
        <line key={end} x1={end} x2={end} y1={middle - 5} y2={middle + 5} stroke="currentColor" strokeWidth={2} />
      ))}
      <rect x={x(one.difference) - 4.5} y={middle - 4.5} width={9} height={9} rx={1.5} fill="currentColor" />
    </g>
  );
}
