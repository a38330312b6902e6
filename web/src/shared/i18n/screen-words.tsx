"use client";

// Gives a screen its own words: in English they come with it, in any other language they are all there.
import { useMemo, type ComponentType } from "react";
import { IntlProvider, useLocale, useMessages, type Messages } from "use-intl";

/** The screen, or a part of one that is loaded later, with its words. `english`: by namespace, all that it says, and whatever it shows says, beyond what stands around every screen. */
export function withWords<P extends object>(english: Partial<Messages>, Screen: ComponentType<P>): ComponentType<P> {
  return function Worded(props: P) {
    const locale = useLocale();
    const there = useMessages();
    const words = useMemo(() => (locale === "en" ? { ...there, ...english } : there), [locale, there]);
    return (
      <IntlProvider locale={locale} messages={words}>
        <Screen {...props} />
      </IntlProvider>
    );
  };
}
