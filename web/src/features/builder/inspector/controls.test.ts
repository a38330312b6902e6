import { describe, expect, it } from "vitest";

import { readNumber, settingsOf, worded, type Control, type Json, type Schema } from "./controls";

const WORDS = [{ type: "string" }, { type: "object", additionalProperties: { type: "string" }, propertyNames: { enum: ["en", "es"] } }];
const NAME = { type: "string", pattern: "^[a-z][a-z0-9_]{0,63}$" };
const SOURCE = { type: "string", pattern: "^[a-z][a-z0-9_]{0,63}(\\.[a-z][a-z0-9_]{0,63})?$" };
const NULL = { type: "null" };

function schemaOf(properties: Record<string, Json>, required: string[] = []): Schema {
  return {
    $defs: {
      node_it: {
        type: "object",
        properties: { id: NAME, kind: { const: "it" }, label: { anyOf: WORDS }, role: NAME, ...properties },
        required: ["id", "kind", ...required],
      },
      "it.StopEarly": {
        type: "object",
        properties: { rule: { enum: ["leader", "worth"], type: "string", default: "leader" }, value_usd: { anyOf: [{ type: "number", exclusiveMinimum: 0 }, NULL] } },
      },
      "it.JsonValue": {},
    },
  };
}

function only(given: Json, name = "it", templates: string[] = []): Control {
  const [found] = settingsOf(schemaOf({ [name]: given }), "it", templates);
  return found?.control ?? expect.fail("there is no such setting");
}

describe("a setting", () => {
  it.each<[string, Json, string, Partial<Control>]>([
    ["a prompt in languages", { anyOf: [...WORDS, NULL] }, "prompt", { is: "prompt" }],
    ["words in languages", { anyOf: WORDS }, "default", { is: "words" }],
    ["a model", { anyOf: [{ type: "string" }, NULL] }, "model", { is: "model" }],
    ["a strategy", { anyOf: [{ type: "string" }, NULL] }, "strategy", { is: "strategy" }],
    ["another flow", { type: "string", maxLength: 80 }, "flow", { is: "flow" }],
    ["a tool", { type: "string" }, "tool", { is: "tool" }],
    ["yes or no", { type: "boolean", default: false }, "headings", { is: "flag" }],
    ["one of a few", { type: "string", enum: ["pair", "score"] }, "mode", { is: "choice", options: ["pair", "score"] }],
    ["a share", { anyOf: [{ type: "number", exclusiveMinimum: 0, maximum: 1 }, NULL] }, "top_p", { is: "number", min: 0, max: 1, isOver: true, isWhole: false }],
    ["a count", { type: "integer", minimum: 1, maximum: 64 }, "samples", { is: "number", min: 1, max: 64, isOver: false, isWhole: true }],
    ["models, one a sample", { type: "array", items: { type: "string" }, maxItems: 64 }, "models", { is: "list", of: "model", most: 64 }],
    ["stop words", { type: "array", items: { type: "string" }, maxItems: 16 }, "stop", { is: "list", of: "text", most: 16 }],
    ["choices in languages", { type: "array", items: { anyOf: WORDS }, maxItems: 50 }, "choices", { is: "list", of: "words", most: 50 }],
    ["one node", { anyOf: [NAME, NULL] }, "of", { is: "nodes", isMany: false, mayBeOne: true }],
    ["several nodes", { type: "array", items: NAME }, "of", { is: "nodes", isMany: true, mayBeOne: false }],
    ["a field or several", { anyOf: [SOURCE, { type: "array", items: SOURCE }] }, "of", { is: "sources", isMany: true, mayBeOne: true }],
    ["a list's field", { anyOf: [NAME, NULL] }, "over", { is: "field" }],
    ["prompts by name", { type: "object", patternProperties: { x: { type: "string" } }, maxProperties: 100 }, "inputs", { is: "prompts", most: 100 }],
    ["a schema", { anyOf: [{ type: "object" }, NULL] }, "output_schema", { is: "schema" }],
    ["numbers by name", { type: "object", additionalProperties: { type: "number" } }, "weights", { is: "json" }],
    ["something that nobody has thought of", { anyOf: [{ type: "integer" }, { type: "array" }] }, "plugged", { is: "json" }],
    ["anything", {}, "plugged", { is: "json" }],
  ])("that is %s has its control", (_what, given, name, control) => {
    expect(only(given, name, ["prompt", "inputs"])).toMatchObject(control);
  });

  it("that is a group has those of the group", () => {
    const control = only({ anyOf: [{ $ref: "#/$defs/it.StopEarly" }, NULL], default: null }, "stop_early");
    if (control.is !== "group") return expect.fail(control.is);
    expect(control.settings.map(({ name, control: { is } }) => [name, is])).toEqual([
      ["rule", "choice"],
      ["value_usd", "number"],
    ]);
  });

  it("says what holds without it, and whether it may be left out", () => {
    const schema = schemaOf({ prompt: { anyOf: WORDS }, top_p: { anyOf: [{ type: "number" }, NULL], default: null }, samples: { type: "integer", default: 1 } }, ["prompt"]);
    const found = settingsOf(schema, "it", ["prompt"]);
    expect(found.map(({ name, isRequired, standard, mayBeNull, isRare }) => [name, isRequired, standard, mayBeNull, isRare])).toEqual([
      ["prompt", true, null, false, false],
      ["top_p", false, null, true, true],
      ["samples", false, 1, false, false],
    ]);
  });

  it("of a kind that nobody knows is none", () => {
    expect(settingsOf(schemaOf({}), "gone", [])).toEqual([]);
    expect(settingsOf({}, "it", [])).toEqual([]);
  });
});

describe("a number", () => {
  const share: Control & { is: "number" } = { is: "number", isWhole: false, min: 0, max: 1, isOver: true };
  const count: Control & { is: "number" } = { is: "number", isWhole: true, min: 0, max: null, isOver: false };

  it.each([
    ["", share, null],
    [" 0,5 ", share, 0.5],
    ["0", share, undefined],
    ["1", share, 1],
    ["1.1", share, undefined],
    ["0", count, 0],
    ["-1", count, undefined],
    ["1.5", count, undefined],
    ["1e3", count, 1000],
    ["many", count, undefined],
    ["Infinity", count, undefined],
  ])("%j is read with its bounds", (text, control, value) => {
    expect(readNumber(text, control)).toBe(value);
  });
});

it("words that no dictionary knows are written as people write them", () => {
  expect(worded("min_score")).toBe("Min score");
});
