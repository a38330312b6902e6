// Texts of flow documents: one, or one for each language.

/** The text in that language, else in English, else in whichever there is. */
export function inLanguage(text: string | Readonly<Record<string, string>> | null | undefined, language: string): string {
  if (text === null || text === undefined || typeof text === "string") return text ?? "";
  return text[language] || text["en"] || (Object.values(text)[0] ?? "");
}
