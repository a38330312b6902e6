import { describe, expect, it } from "vitest";
import type { FlowDoc } from "./document";
import { inTemplate, renameNode } from "./document-names";

const names = new Map([["creator", "author"]]);

describe("a name in a prompt", () => {
  it.each([
    ["{creator_output}", "{author_output}"],
    ["{?creator_output}so {creator_output}{/creator_output}", "{?author_output}so {author_output}{/author_output}"],
    ["{creator.tokens} {?creator.tokens}{/creator.tokens}", "{author.tokens} {?author.tokens}{/author.tokens}"],
    ["{{creator_output}}", "{{creator_output}}"],
    ["{creator}", "{creator}"],
    ["{the_creator_output} {creators_output} creator_output", "{the_creator_output} {creators_output} creator_output"],
    ["{user_input} {creator_output", "{user_input} {creator_output"],
  ])("%s becomes %s", (before, after) => expect(inTemplate(before, names)).toBe(after));
});

const flow: FlowDoc = {
  id: "mine",
  name: "Mine {creator_output}",
  nodes: [
    { id: "creator", kind: "generate", prompt: "{user_input}", label: "creator" },
    { id: "judge", kind: "judge", of: ["creator", "other"], criteria: { en: "Is {creator_output} good?", es: "¿{creator_output}?" } },
    { id: "vote", kind: "vote", of: ["creator"], weights: { creator: 2, other: 1 } },
    { id: "each", kind: "map", over: "creator.items", prompt: "{item} of {creator.items}" },
    { id: "sub", kind: "subflow", flow: "creator", inputs: { about: "{creator_output}" }, fields: ["creator"] },
    { id: "cut", kind: "transform", op: "pick", of: "creator.value" },
  ],
  edges: [
    { from: "creator", to: "judge" },
    { from: "judge", to: "creator", max_rounds: 2, when: { value: "creator.visits", op: "<", than: 2 } },
  ],
  answer: "judge",
  draft: "creator",
  layout: { creator: { x: 1, y: 2 } },
  tests: [
    {
      name: "t",
      prompt: "p",
      answers: { creator: "x", "sub/creator": "y", "*": "z" },
      people: { "each[2]/ok": "yes", creator: "no" },
      expect: [{ value: "creator.tokens", op: ">", than: 1 }, { value: "answer", op: "==", than: "x" }],
    },
  ],
};

describe("a node that is renamed", () => {
  const renamed = renameNode(flow, "creator", "author");

  it("is renamed where other nodes speak of it, and where words only look like it they stay", () => {
    expect(renamed.nodes).toEqual([
      { id: "author", kind: "generate", prompt: "{user_input}", label: "creator" },
      { id: "judge", kind: "judge", of: ["author", "other"], criteria: { en: "Is {author_output} good?", es: "¿{author_output}?" } },
      { id: "vote", kind: "vote", of: ["author"], weights: { author: 2, other: 1 } },
      { id: "each", kind: "map", over: "author.items", prompt: "{item} of {author.items}" },
      { id: "sub", kind: "subflow", flow: "creator", inputs: { about: "{author_output}" }, fields: ["creator"] },
      { id: "cut", kind: "transform", op: "pick", of: "author.value" },
    ]);
  });

  it("is renamed on edges, in conditions, as draft, in its place", () => {
    expect(renamed.edges).toEqual([
      { from: "author", to: "judge" },
      { from: "judge", to: "author", max_rounds: 2, when: { value: "author.visits", op: "<", than: 2 } },
    ]);
    expect([renamed.answer, renamed.draft, renamed.layout]).toEqual(["judge", "author", { author: { x: 1, y: 2 } }]);
  });

  it("is renamed in tests, but not within the flows that run inside", () => {
    expect(renamed.tests).toEqual([
      {
        name: "t",
        prompt: "p",
        answers: { author: "x", "sub/creator": "y", "*": "z" },
        people: { "each[2]/ok": "yes", author: "no" },
        expect: [{ value: "author.tokens", op: ">", than: 1 }, { value: "answer", op: "==", than: "x" }],
      },
    ]);
  });

  it("comes back under its old name as it was", () => {
    expect(renameNode(renamed, "author", "creator")).toEqual(flow);
    expect(renameNode(flow, "nobody", "author")).toBe(flow);
  });
});
