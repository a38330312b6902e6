import { describe, expect, it } from "vitest";
import { readArgument, takesOf, writtenArgument } from "./arguments";

const SEARCH = {
  type: "object",
  properties: {
    limit: { type: "integer", description: "How many" },
    where: { type: "string", enum: ["web", "files"] },
    query: { type: "string", description: "What to look for" },
    tags: { type: ["array", "null"] },
    odd: true,
  },
  required: ["query"],
  additionalProperties: false,
};

describe("what a tool takes", () => {
  it("is told by its schema, first what it must be given", () => {
    const { known, isOpen } = takesOf(SEARCH);
    expect(known.map(({ name, type, isRequired }) => [name, type, isRequired])).toEqual([
      ["query", "text", true],
      ["limit", "integer", false],
      ["where", "text", false],
      ["tags", "list", false],
      ["odd", "any", false],
    ]);
    expect(known.find(({ name }) => name === "where")?.choices).toEqual(["web", "files"]);
    expect(isOpen).toBe(false);
  });

  it("is anything where its schema says nothing, or is none", () => {
    for (const schema of [{}, { type: "object" }, null, [], "x"]) expect(takesOf(schema)).toEqual({ known: [], isOpen: true });
  });
});

describe("what is written for an argument", () => {
  it.each([
    ["5", "integer", 5],
    ["true", "boolean", true],
    ['["a"]', "list", ["a"]],
    ["{plan.count}", "integer", "{plan.count}"],
    ["{", "object", "{"],
    ["5", "text", "5"],
    ['"5"', "any", '"5"'],
    ["", "text", undefined],
  ] as const)("%s for %s", (text, type, value) => {
    expect(readArgument(text, type)).toEqual(value);
    expect(writtenArgument(value)).toBe(text);
  });
});
