// What a chart needs of a series besides its figures.
import type { MetricsHistory } from "@/shared/api/metrics";

export type Figures = readonly (number | null)[];

/** One line of a chart. */
export interface Line {
  label: string;
  values: Figures;
  tone: "accent" | "soft" | "good" | "warn" | "bad";
  dash?: "dashed" | "dotted";
  /** The area below it is tinted. */
  fill?: boolean;
}

/** The moment of each point, in seconds of Unix time. */
export function timesOf({ start, step_s, points }: Pick<MetricsHistory, "start" | "step_s" | "points">): number[] {
  const first = Math.round(Date.parse(start) / 1000);
  return Array.from({ length: points }, (_, index) => first + index * step_s);
}

/** The last figure that is known. */
export function last(values: Figures): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/** The highest figure; null where none is known. */
export function highest(values: Figures): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** Points that stand alone between gaps: a line has no length there, so they are drawn as dots. */
export function isolated(values: Figures): number[] {
  const alone: number[] = [];
  values.forEach((value, index) => {
    if (value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null) alone.push(index);
  });
  return alone;
}

/** Whether any line has a figure. */
export function hasFigures(lines: readonly Line[]): boolean {
  return lines.some(({ values }) => values.some((value) => value !== null));
}

/** The rows of the table that says the same as a chart: the latest first, gaps left out. */
export function rowsOf(times: readonly number[], lines: readonly Line[]): { time: number; values: (number | null)[] }[] {
  return times
    .map((time, index) => ({ time, values: lines.map(({ values }) => values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null))
    .reverse();
}

/** A bar for each of the last days, also for those on which nothing was spent. `today`: `YYYY-MM-DD`. */
export function spentByDay(
  rows: readonly { day: string; usd: number | string }[],
  today: string,
  days: number,
): { times: number[]; usd: number[] } {
  const end = Date.parse(`${today}T00:00:00Z`) / 1000;
  const times = Array.from({ length: days }, (_, index) => end - (days - 1 - index) * 86_400);
  const sums = new Map<string, number>();
  for (const { day, usd } of rows) sums.set(day, (sums.get(day) ?? 0) + Number(usd));
  return { times, usd: times.map((time) => sums.get(new Date(time * 1000).toISOString().slice(0, 10)) ?? 0) };
}

/** The upper end of a scale that begins at 0 and has room for the highest figure. */
export function top(most: number | null): number {
  return most === null || most <= 0 ? 1 : most * 1.08;
}
