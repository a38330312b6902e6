"use client";

// How models write, and the budget of the run. Folded away until somebody wants it.
import { useQuery } from "@tanstack/react-query";
import { useLocale, useTranslations } from "use-intl";
import { strategiesQuery } from "@/shared/api/endpoints";
import { useStrategyWords } from "@/shared/strategy-words";
import { Select, TextField } from "@/shared/ui/field";
import { Fold } from "@/shared/ui/fold";
import { NUMBER_FIELDS, useDraft, wordFor, wrongFields, type Draft } from "./draft";

type NumberField = (typeof NUMBER_FIELDS)[number];
const OF_ONE_MODEL: readonly NumberField[] = ["temperature", "maxTokens", "seed"];
const OF_A_RUN: readonly NumberField[] = ["maxCostUsd", "timeoutS", "maxAllTokens"];
const LABELS = {
  temperature: "temperature",
  maxTokens: "max_tokens",
  seed: "seed",
  maxCostUsd: "max_cost",
  timeoutS: "max_seconds",
  maxAllTokens: "max_all_tokens",
} as const;

export function Options() {
  const t = useTranslations("console");
  const draft = useDraft();
  const isFlow = draft.mode === "orchestrated";
  return (
    <Fold className="rounded-lg border border-line bg-surface" mustShow={isTouched(draft)}>
      <summary className="px-4 py-2.5 font-semibold">{t("options")}</summary>
      <div className="grid grid-cols-[repeat(auto-fill,minmax(min(11rem,100%),1fr))] gap-3 border-t border-line p-4">
        {OF_ONE_MODEL.map((field) => (
          <NumberInput key={field} field={field} />
        ))}
        <Strategy />
        {isFlow && <PromptLanguage />}
      </div>
      {isFlow && (
        <fieldset className="border-t border-line p-4">
          <legend className="sr-only">{t("budget")}</legend>
          <p aria-hidden className="mb-2 text-sm font-semibold">
            {t("budget")}
          </p>
          <div className="grid grid-cols-[repeat(auto-fill,minmax(min(11rem,100%),1fr))] gap-3">
            {OF_A_RUN.map((field) => (
              <NumberInput key={field} field={field} placeholder={t("as_flow")} />
            ))}
          </div>
        </fieldset>
      )}
    </Fold>
  );
}

function isTouched(draft: Draft): boolean {
  return NUMBER_FIELDS.some((field) => draft[field] !== "") || draft.promptLanguage !== "" || draft.strategy !== "";
}

function NumberInput({ field, placeholder = "" }: { field: NumberField; placeholder?: string }) {
  const t = useTranslations("console");
  const draft = useDraft();
  return (
    <TextField
      label={t(LABELS[field])}
      inputMode="decimal"
      placeholder={placeholder}
      value={draft[field]}
      error={wrongFields(draft).includes(field) ? t(wordFor(field)) : undefined}
      onChange={(event) => draft.change({ [field]: event.target.value })}
    />
  );
}

/** One that was chosen and is gone since stays in sight, so that the server can say why. */
function Strategy() {
  const t = useTranslations("console");
  const { strategy, change } = useDraft();
  const { data } = useQuery(strategiesQuery);
  const words = useStrategyWords();
  const known = data?.strategies ?? [];
  return (
    <Select
      label={t("strategy")}
      value={strategy}
      hint={words(known.find(({ name }) => name === strategy))}
      onChange={(event) => change({ strategy: event.target.value })}
    >
      <option value="">{t("strategy_auto")}</option>
      {strategy && !known.some(({ name }) => name === strategy) && <option>{strategy}</option>}
      {known.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </Select>
  );
}

function PromptLanguage() {
  const t = useTranslations();
  const locale = useLocale();
  const { promptLanguage, change } = useDraft();
  return (
    <Select
      label={t("console.language")}
      value={promptLanguage || locale}
      onChange={(event) => change({ promptLanguage: event.target.value === "es" ? "es" : "en" })}
    >
      <option value="en">{t("common.language.en")}</option>
      <option value="es">{t("common.language.es")}</option>
    </Select>
  );
}
