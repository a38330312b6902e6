import { describe, expect, it } from "vitest";
import type { RunBeginning } from "./api";
import { forkRequest, freshDraft, hasText, isChange, otherSettings, settingText, wrongIn, type ForkDraft } from "./fork-change";

const beginning = {
  run_id: "r1",
  parent_run_id: null,
  from_node: null,
  flow_hash: "f00d",
  flow_version: null,
  flow: {
    id: "challenge",
    name: "Challenge",
    nodes: [
      { id: "creator", kind: "generate", label: "Creator", prompt: { en: "Draft: {user_input}", es: "Propón: {user_input}" }, temperature: 0.7 },
      { id: "refiner", kind: "generate", role: "refiner", prompt: "Mend {creator_output}", samples: 1, output_schema: { type: "object" } },
    ],
  },
  request: { flow: "challenge", prompt: "Why?", inputs: { tone: "dry" }, options: { language: "es", model: "small", models: { creator: "tiny" } } },
} as unknown as RunBeginning;

const draft = (change: Partial<ForkDraft>): ForkDraft => ({ ...freshDraft(beginning), ...change });
const node = (id: string) => beginning.flow.nodes.find((one) => one.id === id)!;

describe("a fork", () => {
  it("is no change where nothing was typed, or the same", () => {
    expect(forkRequest(freshDraft(beginning), beginning)).toEqual({});
    const same = draft({ nodes: { creator: { prompt: "Propón: {user_input}", temperature: "0.7" }, refiner: { others: otherSettings(node("refiner")) } } });
    expect(isChange(forkRequest(same, beginning))).toBe(false);
  });

  it("changes a text in the language of the run and keeps the other one", () => {
    const fork = forkRequest(draft({ nodes: { creator: { prompt: "Otra vez" } } }), beginning);
    expect(fork).toEqual({ nodes: { creator: { prompt: { en: "Draft: {user_input}", es: "Otra vez" } } } });
  });

  it("changes a text that stands there once, takes away what is emptied, reads a decimal comma", () => {
    const fork = forkRequest(draft({ nodes: { refiner: { prompt: "Anew", temperature: "0,2" }, creator: { temperature: "" } } }), beginning);
    expect(fork.nodes).toEqual({ refiner: { prompt: "Anew", temperature: 0.2 }, creator: { temperature: null } });
  });

  it("keeps the options of the first run, with the model of a node over all", () => {
    const fork = forkRequest(draft({ nodes: { refiner: { model: "large" } } }), beginning);
    expect(fork.options).toEqual({ language: "es", model: "small", models: { creator: "tiny", refiner: "large" } });
  });

  it("lets a model for all outdo those of the first run", () => {
    const fork = forkRequest(draft({ model: "large" }), beginning);
    expect(fork.options).toEqual({ language: "es", model: "large", models: {} });
  });

  it("sends of the other settings those that differ, and null for one that is gone", () => {
    const others = JSON.stringify({ samples: 3 });
    expect(forkRequest(draft({ nodes: { refiner: { others } } }), beginning).nodes).toEqual({
      refiner: { output_schema: null, samples: 3 },
    });
  });

  it("changes the question and the inputs, and begins anew from a node", () => {
    const fork = forkRequest(draft({ question: "How?", inputs: { tone: "warm" }, from: "refiner" }), beginning);
    expect(fork).toEqual({ prompt: "How?", inputs: { tone: "warm" }, from_node: "refiner" });
  });
});

describe("what cannot be sent", () => {
  it("is told by node and field", () => {
    const nodes = { creator: { temperature: "3", max_tokens: "1.5" }, refiner: { others: "[1]" } };
    expect(wrongIn(draft({ nodes }))).toEqual([
      { node: "creator", field: "temperature" },
      { node: "creator", field: "max_tokens" },
      { node: "refiner", field: "others" },
    ]);
    expect(wrongIn(draft({ nodes: { creator: { temperature: "0", max_tokens: "" } } }))).toEqual([]);
  });
});

describe("a setting as text", () => {
  it("is that of the run's language, else English", () => {
    expect(settingText(node("creator"), "prompt", "es")).toBe("Propón: {user_input}");
    expect(settingText(node("creator"), "prompt", "fr")).toBe("Draft: {user_input}");
    expect(settingText(node("creator"), "system", "en")).toBe("");
    expect([hasText(node("creator"), "prompt"), hasText(node("creator"), "system")]).toEqual([true, false]);
  });
});
