"use client";

// Seconds that are still running: whole ones, for digits that flicker say nothing.
import { useTranslations } from "use-intl";
import { durationOf } from "@/shared/format/duration";
import { useFigures } from "@/shared/format/figures";

export function useRunningSeconds(): (seconds: number) => string {
  const t = useTranslations("common.figures");
  const figures = useFigures();
  return (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    return whole === 0 || durationOf(whole).unit === "seconds" ? t("seconds", { seconds: figures.number(whole) }) : figures.seconds(whole);
  };
}
