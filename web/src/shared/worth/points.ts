// Differences as points, and the tone of a verdict.
import type { components } from "@/shared/api/schema";
import type { Tone } from "@/shared/ui/bits";

export type Verdict = components["schemas"]["PairedDifference"]["verdict"];

export const TONES: Record<Verdict, Tone> = {
  better: "good",
  worse: "bad",
  no_difference: "plain",
  inconclusive: "plain",
  refused: "warn",
};

/** A part of 1 as points with a sign: `+4.5`, `−3`, `0`. */
export function signedPoints(part: number, locale: string): string {
  const points = Math.round(part * 1000) / 10;
  const text = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(Math.abs(points));
  return points === 0 ? text : `${points > 0 ? "+" : "−"}${text}`;
}
