// Which language the app speaks: the one chosen in this browser, else the browser's own.
import { create } from "zustand";

export const LANGUAGES = ["en", "es"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = "agent-lab.language";

/** The language that this browser asks for; English where the app does not speak it. */
export function preferred(chosen: string | null, browser: readonly string[]): Language {
  const wanted = [chosen ?? "", ...browser].map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag): tag is Language => LANGUAGES.some((known) => known === tag)) ?? "en";
}

interface LanguageState {
  language: Language;
  choose: (language: Language) => void;
}

/** English until the page is alive: that is what the exported files say. */
export const useLanguage = create<LanguageState>((set) => ({
  language: "en",
  choose: (language) => {
    remember(language);
    set({ language });
  },
}));

/** Take up the language of this browser. Call it once the page is alive. */
export function adoptLanguage(): void {
  useLanguage.setState({ language: preferred(recalled(), navigator.languages) });
}

function recalled(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function remember(language: Language): void {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}
