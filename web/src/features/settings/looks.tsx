"use client";

// Theme and language of this browser.
import { useTheme } from "next-themes";
import { useSyncExternalStore } from "react";
import { useTranslations } from "use-intl";
import { LANGUAGES, useLanguage, type Language } from "@/shared/i18n/language";
import { Segmented } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";

const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const never = () => () => undefined;

/** False in the exported page and until the browser has taken it up: what was chosen here is not known before. */
function useAlive(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}

export function Looks() {
  const t = useTranslations("settings.looks");
  const tc = useTranslations("common");
  const { theme, setTheme } = useTheme();
  const { language, choose } = useLanguage();
  const isAlive = useAlive();
  const chosen = THEMES.find((one) => one === theme) ?? "system";
  return (
    <Panel title={t("title")}>
      <div className="flex flex-wrap gap-x-8 gap-y-3">
        <Segmented<Theme>
          label={t("theme")}
          value={isAlive ? chosen : "system"}
          onChange={setTheme}
          options={THEMES.map((value) => ({ value, label: tc(`theme.${value}`) }))}
        />
        <Segmented<Language>
          label={t("language")}
          value={language}
          onChange={choose}
          options={LANGUAGES.map((value) => ({ value, label: tc(`language.${value}`) }))}
        />
      </div>
      <p className="mt-2 text-xs text-soft">{t("kept")}</p>
    </Panel>
  );
}
