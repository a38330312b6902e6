"use client";

// What is wrong, in the language of the app, and where it is mended.
import { useTranslations } from "use-intl";
import type { Alert } from "@/shared/api/metrics";
import { useFigures } from "@/shared/format/figures";

export type Place = "models" | "runs" | "settings" | "metrics";

const PLACES: Record<Alert["kind"], Place> = {
  breaker: "models",
  errors: "models",
  memory: "models",
  queue: "runs",
  waiting: "runs",
  disk: "settings",
  budget: "settings",
  storage: "settings",
  metrics: "settings",
};

/** The screen on which this can be mended. */
export function placeOf(alert: Alert): Place {
  return PLACES[alert.kind];
}

/** The sentence of an alert. What went wrong with files is told as the system told it. */
export function useAlertSentence(): (alert: Alert) => string {
  const t = useTranslations("alerts");
  const figures = useFigures();
  return ({ kind, severity, sentence, values }) => {
    const number = (name: string) => Number(values[name] ?? 0);
    const text = (name: string) => String(values[name] ?? "");
    const gb = (name: string) => figures.number(number(name), 1);
    switch (kind) {
      case "breaker":
        return t("breaker", { model: text("model") });
      case "errors":
        return t("errors", { errors: number("errors"), calls: number("calls"), slug: text("slug"), model: text("model") });
      case "memory": {
        const name = text("name");
        return t("memory", { name: name === "ram" ? t("ram") : name, free_gb: gb("free_gb"), total_gb: gb("total_gb") });
      }
      case "queue":
        return t(`queue_${severity}`, { queued: number("queued"), limit: number("limit") });
      case "waiting":
        return t("waiting", { minutes: number("minutes") });
      case "disk":
        return t("disk", { free_gb: gb("free_gb") });
      case "budget":
        return t(`budget_${severity}`, { spent: figures.usd(number("spent_usd")), budget: figures.usd(number("budget_usd")) });
      default:
        return sentence;
    }
  };
}
