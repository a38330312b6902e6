"use client";

// Gives a screen its own words: in English they come with it, in any other language they are all there.
import { useMemo, type ComponentType } from "react";
import { IntlProvider, useLocale, useMessages, type Messages } from "use-intl";

/** The screen with its words. `english`: by namespace, all that it says, and whatever it shows says, beyond what stands around every screen. */
export function withWords(english: Partial<Messages>, Screen: ComponentType): ComponentType {
  return function Worded() {
    const locale = useLocale();
    const there = useMessages();
    const words = useMemo(() => (locale === "en" ? { ...there, ...english } : there), [locale, there]);
    return (
      <IntlProvider locale={locale} messages={words}>
        <Screen />
      </IntlProvider>
    );
  };
}
