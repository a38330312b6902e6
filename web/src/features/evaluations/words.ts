"use client";

// Says the figures of a report in words: shares, intervals, points, costs in their unit.
import { useFormatter, useLocale, useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { signedPoints } from "@/shared/worth/points";
import type { Unit } from "./api";

interface Range {
  low: number;
  high: number;
}

export function useReportWords(unit: Unit) {
  const t = useTranslations("evaluations");
  const format = useFormatter();
  const locale = useLocale();
  const figures = useFigures();
  const share = (value: number) => format.number(value, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const points = (value: number) => signedPoints(value, locale);
  const size = (value: number) => points(Math.abs(value)).replace("+", "");
  const cost = (value: number) => (unit === "usd" ? figures.usd(value) : format.number(value, { maximumSignificantDigits: 4 }));
  return {
    ...figures,
    share,
    /** With a sign. */
    points,
    /** Without one, and with its word. */
    size: (value: number) => t("points", { value: size(value) }),
    /** With a sign, and with its word. */
    signed: (value: number) => t("points", { value: points(value) }),
    pointRange: ({ low, high }: Range) => t("interval", { low: points(low), high: points(high) }),
    shareRange: ({ low, high }: Range) => t("interval", { low: share(low), high: share(high) }),
    cost,
    costRange: ({ low, high }: Range) => t("interval", { low: cost(low), high: cost(high) }),
    whole: (value: number) => format.number(value, { style: "percent", maximumFractionDigits: 0 }),
    p: (value: number) => (value < 0.001 ? `< ${format.number(0.001)}` : format.number(value, { maximumSignificantDigits: 2 })),
    few: (value: number) => format.number(value, { maximumSignificantDigits: 3 }).replace("-", "−"),
    unit: t(`report.unit.${unit}`),
  };
}

export type ReportWords = ReturnType<typeof useReportWords>;
