"use client";

// Gives every component the words of the chosen language.
import { useEffect, useState, type ReactNode } from "react";
import { IntlErrorCode, IntlProvider, type IntlError } from "use-intl";
import type everything from "@/messages/en";
import everywhere from "@/messages/en/everywhere";
import { adoptLanguage, useLanguage, type Language } from "./language";

declare module "use-intl" {
  interface AppConfig {
    Locale: Language;
    Messages: typeof everything;
  }
}

// In English each screen brings its own words: `ScreenWords`.
const ENGLISH = everywhere as typeof everything;
const LOADERS = { en: () => Promise.resolve({ default: ENGLISH }), es: () => import("@/messages/es") };

/** Shows the last language until the words of the next one are there. */
export function Words({ children }: { children: ReactNode }) {
  const language = useLanguage((state) => state.language);
  const [shown, setShown] = useState<{ language: Language; words: typeof everything }>({ language: "en", words: ENGLISH });
  useEffect(adoptLanguage, []);
  useEffect(() => {
    let wanted = true;
    LOADERS[language]().then(({ default: words }) => {
      if (!wanted) return;
      setShown({ language, words });
      document.documentElement.lang = language;
    });
    return () => {
      wanted = false;
    };
  }, [language]);
  return (
    <IntlProvider locale={shown.language} messages={shown.words} onError={complain}>
      {children}
    </IntlProvider>
  );
}

/** Times are those of this browser: to look up what it calls its zone takes a phone longer than any screen's words. */
function complain(error: IntlError): void {
  if (error.code === IntlErrorCode.ENVIRONMENT_FALLBACK) return;
  // While the pages are built nobody is there to be told: a page with words missing is not built.
  if (typeof reportError === "undefined") throw error;
  reportError(error);
}
