"use client";

// One chart: its lines by name with their figures, the drawing, and a table that says the same.
import { useId, useMemo, useState } from "react";
import { useFormatter, useTranslations } from "use-intl";
import { Button } from "@/shared/ui/button";
import { Skeleton } from "@/shared/ui/bits";
import { late } from "@/shared/ui/late";
import { Panel } from "@/shared/ui/panel";
import { hasFigures, highest, last, rowsOf, type Line } from "./points";

const Plot = late(() => import("./plot").then((module) => module.Plot), { waiting: () => <Skeleton className="size-full" /> });

const DAY_S = 86_400;
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;

export interface ChartProps {
  title: string;
  times: readonly number[];
  lines: readonly Line[];
  /** A figure in words, with its unit. */
  say: (value: number) => string;
  /** The same at the axis, where it is not a plain number. */
  sayAxis?: (value: number) => string;
  /** Whole numbers alone. */
  whole?: boolean;
  max?: number;
  bars?: boolean;
  /** Charts of one group show the same moment below the pointer. */
  group?: string;
  note?: string;
}

export function Chart(props: ChartProps) {
  const { title, times, lines } = props;
  const t = useTranslations("metrics");
  const id = useId();
  const [isTable, setTable] = useState(false);
  const [point, setPoint] = useState<number | null>(null);
  const moments = useMoments(times, props.bars === true);
  const summary = useSummary(props);
  const format = useFormatter();
  const plain = (value: number) => format.number(value, { notation: "compact", maximumSignificantDigits: 3 });
  return (
    <Panel
      title={title}
      actions={
        <Button
          size="sm"
          look="quiet"
          aria-controls={id}
          aria-label={t(isTable ? "as_chart_of" : "as_table_of", { chart: title })}
          onClick={() => setTable(!isTable)}
        >
          {t(isTable ? "as_chart" : "as_table")}
        </Button>
      }
    >
      <Legend {...props} point={isTable ? null : point} moment={point === null ? "" : moments.exact(times[point] ?? 0)} />
      <div id={id} className="mt-2 h-44">
        {isTable ? (
          <TableOf {...props} moment={moments.exact} />
        ) : (
          <div role="img" aria-label={summary} className="relative size-full">
            <Plot {...props} sayAxis={props.sayAxis ?? plain} sayTime={moments.short} onPoint={setPoint} />
            {!hasFigures(lines) && (
              <p className="pointer-events-none absolute inset-0 flex items-center justify-center text-sm text-soft">
                <span className="bg-surface px-2">{t("no_figures")}</span>
              </p>
            )}
          </div>
        )}
      </div>
    </Panel>
  );
}

/** A moment as it stands at the axis, and in full. Days of a chart by day are those of UTC. */
function useMoments(times: readonly number[], isByDay: boolean) {
  const format = useFormatter();
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return useMemo(() => {
    const zone = isByDay ? ({ timeZone: "UTC" } as const) : {};
    const isLong = isByDay || span > 2 * DAY_S;
    const short = (seconds: number) =>
      format.dateTime(seconds * 1000, isLong ? { day: "numeric", month: "short", ...zone } : CLOCK);
    const exact = (seconds: number) =>
      format.dateTime(seconds * 1000, isByDay ? { dateStyle: "medium", ...zone } : { day: "numeric", month: "short", ...CLOCK, second: "2-digit" });
    return { short, exact };
  }, [format, isByDay, span]);
}

/** The chart in a sentence, for those who do not see it. */
function useSummary({ title, lines, say }: ChartProps): string {
  const t = useTranslations("metrics");
  if (!hasFigures(lines)) return `${title}. ${t("no_figures")}`;
  const said = lines.map(({ label, values }) => {
    const [final, most] = [last(values), highest(values)];
    return t("line_summary", {
      line: label,
      last: final === null ? t("none") : say(final),
      highest: most === null ? t("none") : say(most),
    });
  });
  return t("chart_summary", { chart: title, lines: said.join("; ") });
}

function Legend({ lines, say, point, moment, note }: ChartProps & { point: number | null; moment: string }) {
  return (
    <div className="flex min-h-5 flex-wrap items-baseline gap-x-4 gap-y-1 text-sm">
      <ul className="flex min-w-0 flex-wrap gap-x-4 gap-y-1">
        {lines.map((line) => {
          const value = point === null ? last(line.values) : (line.values[point] ?? null);
          return (
            <li key={line.label} className="flex items-baseline gap-1.5">
              <Swatch line={line} />
              <span className="text-soft">{line.label}</span>
              <span className="min-w-12 tabular-nums">{value === null ? "–" : say(value)}</span>
            </li>
          );
        })}
      </ul>
      <span className="ml-auto text-xs text-soft tabular-nums">{moment || note}</span>
    </div>
  );
}

const TONES = { accent: "text-accent", soft: "text-soft", good: "text-good", warn: "text-warn", bad: "text-bad" };
const DASHES = { dashed: "5 3", dotted: "1.5 2.5" };

function Swatch({ line: { tone, dash } }: { line: Line }) {
  return (
    <svg aria-hidden viewBox="0 0 14 6" className={`h-1.5 w-3.5 shrink-0 self-center ${TONES[tone]}`}>
      <path d="M0 3h14" stroke="currentColor" strokeWidth="2" {...(dash !== undefined && { strokeDasharray: DASHES[dash] })} />
    </svg>
  );
}

function TableOf({ title, times, lines, say, moment }: ChartProps & { moment: (seconds: number) => string }) {
  const t = useTranslations("metrics");
  const rows = rowsOf(times, lines);
  return (
    <div role="group" aria-label={title} tabIndex={0} className="h-full overflow-auto rounded-md border border-line">
      <table className="w-full text-left text-sm tabular-nums">
        <thead className="sticky top-0 bg-sunken text-xs text-soft">
          <tr>
            <th scope="col" className="px-2 py-1 font-medium">
              {t("time")}
            </th>
            {lines.map(({ label }) => (
              <th key={label} scope="col" className="px-2 py-1 text-right font-medium">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, values }) => (
            <tr key={time} className="border-t border-line">
              <th scope="row" className="px-2 py-1 font-normal whitespace-nowrap">
                {moment(time)}
              </th>
              {values.map((value, index) => (
                <td key={lines[index]?.label} className="px-2 py-1 text-right">
                  {value === null ? "–" : say(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p className="p-2 text-soft">{t("no_figures")}</p>}
    </div>
  );
}
