"use client";

// Says that no server is behind the page, where that is so.
import { useLanguage, type Language } from "@/shared/i18n/language";

// Here and not among the messages: a build without mock mode leaves this file out, and its words with it.
const WORDS: Record<Language, { badge: string; about: string }> = {
  en: {
    badge: "Mock mode: recorded answers",
    about: "No server answers here. What you save is gone once the page is loaded anew.",
  },
  es: {
    badge: "Modo de prueba: respuestas grabadas",
    about: "Aquí no responde ningún servidor. Lo que guardes se pierde al volver a cargar la página.",
  },
};

export function MockBadge() {
  const { badge, about } = WORDS[useLanguage((state) => state.language)];
  return (
    <p className="flex flex-wrap gap-x-2 border-b border-line bg-sunken px-4 py-1 text-xs text-soft md:px-6">
      <strong className="font-medium text-ink">{badge}</strong>
      <span>{about}</span>
    </p>
  );
}
