"use client";

// What a field is compared with, as it is typed: half a list is none yet, and stays as it was typed.
import { useState } from "react";
import { useTranslations } from "use-intl";
import { TextField } from "@/shared/ui/field";
import { readValue, written, type Op } from "./condition";

interface ThanFieldProps {
  op: Op;
  value: unknown;
  /** What the field holds. */
  type: string;
  readOnly: boolean;
  hideLabel?: boolean;
  error?: string | undefined;
  onChange: (value: unknown) => void;
}

export function ThanField({ op, value, type, readOnly, hideLabel = false, error, onChange }: ThanFieldProps) {
  const t = useTranslations("inspector.edge");
  const [typed, setTyped] = useState<{ text: string; value: unknown } | null>(null);
  const isTyped = typed !== null && JSON.stringify(typed.value) === JSON.stringify(value);
  const hint = op === "in" ? t("than_list_help") : type === "text" ? "" : t("than_help");
  return (
    <TextField
      label={t("than")}
      hideLabel={hideLabel}
      {...(hint !== "" && !hideLabel && { hint })}
      value={isTyped ? typed.text : written(value, type)}
      readOnly={readOnly}
      error={error}
      onChange={({ target }) => {
        const next = readValue(target.value, op, type);
        setTyped({ text: target.value, value: next });
        onChange(next);
      }}
    />
  );
}
