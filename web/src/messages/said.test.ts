import compile from "icu-minify/compile";
import { createTranslator } from "use-intl/core";
import { expect, it } from "vitest";
import spanish from "./es";

const es = spanish.said;

it("has Spanish words that can be said, without a brace too many", () => {
  for (const [code, text] of Object.entries(es)) expect(() => compile(text), code).not.toThrow();
});

it("quotes what is written with braces of its own", () => {
  const t = createTranslator({ locale: "es", messages: { said: es } });
  expect(t("said.never_sure", { name: "history" })).toBe("{history} puede no tener valor; escribe {?history}…{/history} alrededor de lo que habla de ello.");
  expect(t("said.stray_brace", { at: 12 })).toContain("escribe {{ o }} si quieres");
});
