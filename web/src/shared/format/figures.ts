"use client";

// Says figures the same way everywhere: money, tokens, seconds, sizes, shares.
import { useFormatter, useLocale, useTranslations } from "use-intl";
import { useMemo } from "react";
import { durationOf, guessOf, type Duration } from "./duration";

const SMALLEST_USD = 0.0001;

/** Ways to write figures in the language of the app. What is not known is said in words, never as 0. */
export function useFigures() {
  const format = useFormatter();
  const t = useTranslations("common.figures");
  const locale = useLocale();
  return useMemo(() => {
    const number = (value: number, digits = 0) =>
      format.number(value, { maximumFractionDigits: digits, minimumFractionDigits: digits });
    const usd = (value: number | string | null | undefined) => {
      if (value === null || value === undefined) return t("not_known");
      const amount = Number(value);
      if (amount > 0 && amount < SMALLEST_USD) return t("below", { usd: money(locale, SMALLEST_USD) });
      return money(locale, amount);
    };
    const duration = (parts: Duration) => {
      switch (parts.unit) {
        case "milliseconds":
          return t("milliseconds", { ms: number(parts.ms) });
        case "seconds":
          return t("seconds", { seconds: number(parts.seconds, parts.digits) });
        case "minutes":
          return t("minutes", { minutes: number(parts.minutes), seconds: number(parts.seconds) });
        case "hours":
          return t("hours", { hours: number(parts.hours), minutes: number(parts.minutes) });
      }
    };
    return {
      number,
      usd,
      /** `undefined` and `null` are told as not known. */
      seconds: (value: number | null | undefined) => {
        if (value === null || value === undefined) return t("not_known");
        return duration(durationOf(value));
      },
      /** Of seconds that are guessed. */
      about: (value: number) => duration(guessOf(value)),
      tokens: (count: number) => t("tokens", { count }),
      calls: (count: number) => t("calls", { count }),
      compact: (value: number) => format.number(value, { notation: "compact", maximumFractionDigits: 1 }),
      gb: (value: number) => `${number(value, value === 0 ? 0 : value < 1 ? 3 : 1)} GB`,
      share: (value: number | null | undefined) =>
        value === null || value === undefined
          ? t("not_known")
          : format.number(value, { style: "percent", maximumFractionDigits: 0 }),
    };
  }, [format, t, locale]);
}

/** Four digits after the point where it is cents or less: a model call often is. */
function money(locale: string, amount: number): string {
  const digits = amount === 0 || amount >= 1 ? 2 : 4;
  return moneyFormat(locale, digits).format(amount);
}

const formats = new Map<string, Intl.NumberFormat>();

/** Making one takes longer than all else in a row of a long list. */
function moneyFormat(locale: string, digits: number): Intl.NumberFormat {
  const key = `${locale} ${digits}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat(locale, {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: Math.min(digits, 2),
    maximumFractionDigits: digits,
  });
  formats.set(key, made);
  return made;
}
