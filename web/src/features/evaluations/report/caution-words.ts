"use client";

// What makes the figures of a report say less than they seem to, in the language of the page: the server's own sentence where
// that is English, else the same from its names and figures.
import { useLocale, useTranslations } from "use-intl";
import type { Report, Unit } from "../api";
import { useReportWords } from "../words";

type Caution = NonNullable<Report["cautions"]>[number];

/** Undefined: nothing but the server's own words tell it, why no vote costs as much. */
export function useCautionSentence(unit: Unit): (caution: Caution) => string | undefined {
  const t = useTranslations("evaluations.report");
  const locale = useLocale();
  const words = useReportWords(unit);
  return ({ kind, sentence, values = {} }) => {
    if (locale === "en") return sentence;
    if (kind === "no_equal_cost") return undefined;
    const number = (name: string) => Number(values[name] ?? 0);
    const text = (name: string) => String(values[name] ?? "");
    const unit = text("unit") === "usd" || text("unit") === "generated_tokens" ? (text("unit") as "usd" | "generated_tokens") : "tokens";
    return t(`caution.${kind}`, {
      arm: text("arm"),
      against: text("against"),
      // How many arms, or which.
      arms: kind === "no_price" ? number("arms") : text("arms"),
      more: number("more"),
      status: text("status"),
      unit: t(`unit.${unit}`),
      items: number("items"),
      missing: number("missing"),
      answers: number("answers"),
      of: number("of"),
      both: number("both"),
      tuned: number("tuned"),
      again: number("again"),
      failed: number("failed"),
      needed: number("needed"),
      share: words.share(number("share")),
      margin: words.size(number("margin")),
      smallest: words.size(number("smallest")),
    });
  };
}
