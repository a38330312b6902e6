"use client";

// What a setting and its choices are called: in our words where we have some, else in the schema's.
import { useTranslations } from "use-intl";
import { worded } from "./controls";

type Key = Parameters<ReturnType<typeof useTranslations<"inspector">>>[0];

export interface Labels {
  label: (setting: string) => string;
  /** "" where there is nothing to add. */
  help: (setting: string) => string;
  option: (value: string) => string;
}

/** Kinds of plug-ins have settings that no dictionary knows. */
export function useLabels(): Labels {
  const t = useTranslations("inspector");
  const known = (key: string, otherwise: string) => (t.has(key as Key) ? t(key as Key) : otherwise);
  return {
    label: (setting) => known(`settings.${setting}.label`, worded(setting)),
    help: (setting) => known(`settings.${setting}.help`, ""),
    option: (value) => known(`options.${value}`, worded(value)),
  };
}
