"use client";

// Which model answers in a fork: as before, or one of the registry.
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { modelsQuery } from "@/shared/api/endpoints";
import { Select } from "@/shared/ui/field";

interface ModelSelectProps {
  label: string;
  /** The model that the first run was asked with, where it named one. */
  before: string | null;
  /** "": as before. */
  value: string;
  onChange: (model: string) => void;
}

export function ModelSelect({ label, before, value, onChange }: ModelSelectProps) {
  const t = useTranslations("run_actions.dialog");
  const models = useQuery(modelsQuery);
  const usable = models.data?.models.filter((model) => model.usable) ?? [];
  return (
    <Select label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{before === null ? t("as_before") : t("as_before_with", { model: before })}</option>
      {usable.map((model) => (
        <option key={model.key} value={model.key}>
          {model.name === model.key ? model.key : `${model.name} (${model.key})`}
        </option>
      ))}
    </Select>
  );
}
