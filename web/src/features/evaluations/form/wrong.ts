"use client";

// What is wrong with a field of the form, in words.
import { useTranslations } from "use-intl";
import { BOUNDS, numberIn, useDraft, wrongIn, type NumberField } from "./draft";

/** The sentence at a field whose number is none, under the name that fields take it by. */
export function useWrongNumber(): (field: NumberField) => { error?: string } {
  const t = useTranslations("evaluations.form.wrong");
  const draft = useDraft();
  return (field) => {
    if (numberIn(draft[field], BOUNDS[field]) !== undefined) return {};
    const [least, most, isWhole] = BOUNDS[field];
    if (least === 0 && !isWhole) return { error: t("from_zero") };
    return { error: t(isWhole ? "whole" : "number", { least, most }) };
  };
}

/** The sentence about one arm, undefined where it is well. */
export function useWrongArm(key: string): { word: "flow" | "k" | "twice" | "comma"; sentence: string } | undefined {
  const t = useTranslations("evaluations.form.wrong");
  const draft = useDraft();
  const wrong = wrongIn(draft).find((one) => one.at === "arm" && one.key === key);
  if (wrong?.at !== "arm") return undefined;
  const kind = draft.arms.find((arm) => arm.key === key)?.kind;
  return { word: wrong.word, sentence: t(wrong.word, { least: kind === "vote" ? 1 : 2 }) };
}
