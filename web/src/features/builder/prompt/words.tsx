"use client";

// A text of a flow in one language or in two: whoever edits it decides which.
import { useState, type ReactNode } from "react";
import { useLocale, useTranslations } from "use-intl";
import { inLanguage } from "@/shared/flow/text";
import { Segmented } from "@/shared/ui/field";
import type { Text } from "../document";

const LANGUAGES = ["en", "es"] as const;
type Language = (typeof LANGUAGES)[number];

interface WordsProps {
  label: string;
  value: Text | undefined;
  /** Undefined where nothing is left of it. */
  onChange: (value: Text | undefined) => void;
  readOnly?: boolean;
  /** One text: of that language where there are several. */
  children: (one: { value: string; language: Language | null; onChange: (value: string) => void }) => ReactNode;
}

export function Words({ label, value, onChange, readOnly = false, children }: WordsProps) {
  const t = useTranslations("inspector.control");
  const app = useLocale();
  const [shown, show] = useState<Language>(app);
  if (value === undefined || typeof value === "string") {
    const merged = (next: string) => onChange(next === "" ? undefined : next);
    return (
      <div className="flex min-w-0 flex-col gap-1">
        {children({ value: value ?? "", language: null, onChange: merged })}
        {!readOnly && value !== undefined && (
          <TextButton onClick={() => onChange({ en: value, es: value })}>{t("split_languages")}</TextButton>
        )}
      </div>
    );
  }
  const change = (next: string) => onChange({ ...value, [shown]: next });
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      {children({ value: value[shown] ?? "", language: shown, onChange: change })}
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Segmented<Language>
          hideLabel
          label={t("languages", { name: label })}
          value={shown}
          options={LANGUAGES.map((one) => ({ value: one, label: t(one) }))}
          onChange={show}
        />
        {!readOnly && <TextButton onClick={() => onChange(inLanguage(value, shown))}>{t("merge_languages")}</TextButton>}
      </div>
    </div>
  );
}

export function TextButton({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" onClick={onClick} className="min-h-6 w-fit text-xs text-soft underline underline-offset-2 hover:text-ink">
      {children}
    </button>
  );
}
