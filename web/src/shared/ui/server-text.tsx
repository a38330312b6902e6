"use client";

// A sentence of the server's own, which is English: read out as such, whatever the language of the page.
import { useLocale } from "use-intl";

export function ServerText({ text }: { text: string }) {
  return useLocale() === "en" ? text : <span lang="en">{text}</span>;
}
