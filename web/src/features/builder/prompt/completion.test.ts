import { describe, expect, it, test } from "vitest";

import { completed, completionAt, doubtsIn, MOST_SHOWN, pieces } from "./completion";
import { fieldsFor, namesAt, nodesBefore, type BoundName, type Scope } from "./names";
import { readTemplate } from "./template";

const FIELDS = [
  [
    { name: "text", type: "text", about: "what the node said" },
    { name: "accepted", type: "boolean", about: "true where it agrees" },
  ],
];
const node = (after: string | null, more: Partial<Scope["nodes"][string]> = {}) => ({
  fields: 0,
  after,
  sure: [],
  maybe: [],
  previous: "sure" as const,
  binds: [],
  ...more,
});
const SCOPE: Scope = {
  names: [
    { name: "user_input", source: "input", about: { en: "The question", es: "La pregunta" }, sure: true },
    { name: "round", source: "run", about: "", sure: true },
    { name: "history", source: "run", about: "", sure: false },
  ],
  fields: FIELDS,
  nodes: {
    creator: node(null, { previous: "never", maybe: ["refiner"] }),
    challenger: node("creator"),
    refiner: node("challenger", { binds: ["item"] }),
    last: node("refiner", { maybe: ["other"] }),
    other: node("creator"),
  },
};
const NAMES = namesAt(SCOPE, "refiner", "es");
const plain = (name: string, isSure = true): BoundName => ({ name, source: "text", about: "", node: null, type: "text", isSure });

/** `|` stands for the caret. */
function at(marked: string, names = NAMES) {
  const caret = marked.indexOf("|");
  const text = marked.replace("|", "");
  const found = completionAt(text, caret, names);
  return found && { ...found, text, names: found.options.map(({ name }) => name) };
}

function accept(marked: string, name: string, names = NAMES): string {
  const found = at(marked, names);
  const option = found?.options.find((one) => one.name === name);
  if (found === null || option === undefined) return expect.fail(`${name} is not offered in ${marked}`);
  const { text, caret } = completed(found.text, found, option);
  return `${text.slice(0, caret)}|${text.slice(caret)}`;
}

describe("the names at a node", () => {
  it("are those of all, of what led here, and of its kind", () => {
    const names = NAMES.map(({ name }) => name);
    expect(names.slice(0, 5)).toEqual(["item", "previous_output", "user_input", "challenger_output", "creator_output"]);
    expect(names).toContain("creator.accepted");
    expect(NAMES.find(({ name }) => name === "refiner_output")?.isSure).toBe(false); // of an earlier round
    expect(names).not.toContain("other_output");
    expect(NAMES.find(({ name }) => name === "user_input")?.about).toBe("La pregunta");
  });

  it("tell what has run for sure from what may have", () => {
    expect(nodesBefore(SCOPE, "last")).toEqual({ sure: ["refiner", "challenger", "creator"], maybe: ["other"] });
    expect(nodesBefore(SCOPE, "creator")).toEqual({ sure: [], maybe: ["refiner"] });
    expect(namesAt(SCOPE, "nobody", "en")).toEqual([]);
  });

  it("end where a broken answer leads in a circle", () => {
    const ring: Scope = { ...SCOPE, nodes: { a: node("b"), b: node("a") } };
    expect(nodesBefore(ring, "a").sure).toEqual(["b"]);
  });

  it("of conditions are fields, the node's own first", () => {
    expect(fieldsFor(SCOPE, "challenger").map(({ name }) => name)).toEqual([
      "challenger.text",
      "challenger.accepted",
      "creator.text",
      "creator.accepted",
      "refiner.text",
      "refiner.accepted",
    ]);
  });
});

describe("a completion", () => {
  it.each([
    ["no brace |", null],
    ["{{|", null],
    ["{user_input}|", null],
    ["{user input|", null],
    ["{zzz|", null],
    ["a { b|", null],
  ])("is not offered in %j", (text, offered) => {
    expect(at(text)).toBe(offered);
  });

  it("offers everything after a brace, and what fits after letters", () => {
    expect(at("Mend {|")?.names).toHaveLength(NAMES.length);
    expect(at("Mend {{{cr|")?.names[0]).toBe("creator_output");
    expect(at("Mend {OUT|")?.names).toEqual(["previous_output", "challenger_output", "creator_output", "refiner_output"]);
    expect(at("Mend {creator.a|")?.names).toEqual(["creator.accepted"]);
  });

  it("puts the name in, its brace too, and takes what stood there of it", () => {
    expect(accept("Mend {cre| now", "creator_output")).toBe("Mend {creator_output}| now");
    expect(accept("Mend {cre|ator_outp} now", "creator_output")).toBe("Mend {creator_output}| now");
    expect(accept("Mend {|user_input", "user_input")).toBe("Mend {user_input}|user_input");
    expect(accept("{|", "item")).toBe("{item}|");
  });

  it("gives a name that may have no value its block, unless it stands in one already", () => {
    expect(accept("Before: {hi|", "history")).toBe("Before: {?history}{history}|{/history}");
    expect(accept("{?history}So far: {hi|{/history}", "history")).toBe("{?history}So far: {history}|{/history}");
    expect(accept("{?us|", "user_input")).toBe("{?user_input}{user_input}|{/user_input}");
  });

  it("shows no more than a page of names, those that begin so first", () => {
    const many = Array.from({ length: 200 }, (_, place) => plain(`node_${place}_output`));
    const offered = at("{1|", [...many, plain("1")])?.names ?? [];
    expect(offered).toHaveLength(MOST_SHOWN);
    expect(offered[0]).toBe("1");
  });
});

describe("a prompt", () => {
  const doubts = (text: string) => doubtsIn(text, NAMES).map(({ kind, name }) => `${kind} ${name}`.trim());

  it.each([
    ["{{ as it is }} {user_input}", []],
    ["{creater_output}", ["unknown creater_output"]],
    ["{history}", ["unsure history"]],
    ["{?history}{history}{/history}", []],
    ["{?history}{history}", ["unclosed history"]],
    ["{/history}", ["unopened history"]],
    ["{ and }", ["stray", "stray"]],
    ["{?user_input}{?item}{/user_input}{/item}", ["unclosed user_input", "unopened user_input"]],
  ])("%j has the doubts %j", (text, expected) => {
    expect([...doubts(text)].sort()).toEqual(expected);
  });

  it("doubts no name while nobody knows the names, but the braces", () => {
    expect(doubtsIn("{what} {", null).map(({ kind }) => kind)).toEqual(["stray"]);
  });

  it("is cut into pieces that are the text again", () => {
    const text = "Mend {creator_output}, {nobody_output} and { this";
    const cut = pieces(text, doubtsIn(text, NAMES));
    expect(cut.map((one) => one.text).join("")).toBe(text);
    expect(cut.filter(({ mark }) => mark !== "plain").map((one) => [one.text, one.mark])).toEqual([
      ["{creator_output}", "name"],
      ["{nobody_output}", "doubt"],
      ["{", "doubt"],
    ]);
  });
});

test("a name may be as long as the server takes", () => {
  const [long, longer] = ["a".repeat(128), "a".repeat(129)];
  expect(readTemplate(`{${long}.${"b".repeat(64)}}`).mentions).toHaveLength(1);
  expect(readTemplate(`{${longer}}`).mentions).toHaveLength(0);
});
