import { expect, test } from "vitest";
import english from "@/messages/en/server";
import spanish from "@/messages/es/server";
import { createTranslator } from "use-intl/core";
import es from "@/messages/es";
import { finder, saying, type Said } from "./server-words";

test("both languages know the same sentences of the server, and name the same in them", () => {
  const named = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  for (const [form, { of }] of Object.entries(english)) {
    const other = spanish[form as keyof typeof spanish];
    expect(other.of).toBe(of);
    expect(named(other.text), form).toEqual(named(of));
    expect(other.text).not.toBe(of);
  }
});

test("what a sentence names is found in it, whatever it is", () => {
  const find = finder("'\0model\0' (a.b) needs \0variable\0; go on [now].");
  expect(find.exec("'gpt-5.2' (a.b) needs OPENAI_API_KEY; go on [now].")?.groups).toEqual({
    model: "gpt-5.2",
    variable: "OPENAI_API_KEY",
  });
  expect(find.exec("'gpt-5.2' (axb) needs OPENAI_API_KEY; go on [now].")).toBeNull();
  expect(find.exec("It said: 'm' (a.b) needs K; go on [now].")).toBeNull();
});

const t = createTranslator({ locale: "es", messages: { said: es.said } });
const inSpanish = saying({ has: (code) => t.has(`said.${code}`), fill: (code, values) => t(`said.${code}`, values) }, "es");
const hint = (...either: string[]): Said => ({ code: "did_you_mean", values: { either } });

test("what is told with a code is said with all that is told in it", () => {
  expect(inSpanish({ code: "unknown", values: { what: "model", name: "mistal7b", near: hint("mistral7b") } })).toBe(
    "No existe el modelo «mistal7b»; ¿querías decir «mistral7b»?",
  );
  expect(inSpanish({ code: "no_node", values: { node: "q", hint: hint("a", "b") } })).toBe("No existe el nodo «q»; ¿querías decir «a» o «b»?");
  expect(inSpanish({ code: "no_bound", values: { names: ["a", "b"] } })).toContain("bucle por a, b no tiene límite");
});

test("a sentence with sentences in it is said with all of them, and with a vendor's words as they are", () => {
  const row = (number: number, problem: Said): Said => ({ code: "at_row", values: { unit: "line", number, problem } });
  const rows = [row(2, { code: "row_no_object" }), row(3, { code: "row_no_json", values: { column: 8, reason: "Expecting value" } })];
  const what = { code: "file_named", values: { name: "mine" } };
  expect(inSpanish({ code: "file_has_problems", values: { what, count: { code: "some_problems", values: { number: 2 } }, lines: rows, more: "" } })).toBe(
    'El archivo «mine» tiene 2 problemas y no se ha leído:\nlínea 2: no es un objeto JSON; escribe {"input": ..., "target": ...}.\nlínea 3: no es JSON válido en la columna 8: Expecting value.',
  );
  expect(inSpanish({ code: "question_too_long", values: { model: "big", words: " (Too many words)" } })).toBe(
    "La pregunta es demasiado larga para «big» (Too many words); acórtala o usa un modelo que lea más.",
  );
});

test("figures are written as they are in Spanish", () => {
  const told = { code: "room_ran_out", values: { need: 12.5 } };
  const advice = { code: "any_of_ways", values: { ways: [{ code: "close_programs" }], last: { code: "smaller_model" } } };
  expect(inSpanish({ code: "no_room", values: { model: "big", told, advice } })).toBe(
    "El modelo «big» iba a tener 12,50 GB y la memoria se ha agotado dos veces mientras se cargaba. Puedes cerrar otros programas o usar un modelo más pequeño.",
  );
});

test("what has a clause in it that nobody knows is not said by half", () => {
  expect(inSpanish({ code: "no_node", values: { node: "q", hint: { code: "not_known_here" } } })).toBeUndefined();
  expect(inSpanish({ code: "at_place", values: { place: "/nodes/0", problem: { code: "as_said", values: { text: "Odd." } } } })).toBeUndefined();
  expect(inSpanish({ code: "not_known_here" })).toBeUndefined();
  expect(inSpanish(null)).toBeUndefined();
});
