import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { followedUp, handOver, MOST_MESSAGES, takeOver, type Asked } from "./asked-again";

const ASKED: Asked = {
  flow: "challenge@2",
  prompt: "Why?",
  inputs: { topic: "tea" },
  options: {
    model: "demo",
    models: {},
    strategy: null,
    max_tokens: null,
    temperature: null,
    seed: null,
    language: "en",
    history: [],
    limits: { max_cost_usd: null, max_tokens: null, timeout_s: null, max_steps: null },
  },
};

/** A tab's storage. */
function shelf() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

describe("what a run was asked", () => {
  beforeEach(() => void vi.stubGlobal("sessionStorage", shelf()));
  afterEach(() => void vi.unstubAllGlobals());

  it("is taken over once", () => {
    expect(handOver(ASKED)).toBe(true);
    expect(takeOver()).toEqual(ASKED);
    expect(takeOver()).toBeNull();
  });

  it("is nothing where something else was kept under its name", () => {
    sessionStorage.setItem("agent-lab.asked-again", '"{"');
    expect(takeOver()).toBeNull();
    sessionStorage.setItem("agent-lab.asked-again", "{");
    expect(takeOver()).toBeNull();
    sessionStorage.setItem("agent-lab.asked-again", '{"flow":"challenge","prompt":"Why?","options":{}}');
    expect(takeOver()).toBeNull();
  });

  it("stays where a browser keeps nothing", () => {
    const refuse = () => {
      throw new DOMException("no");
    };
    vi.stubGlobal("sessionStorage", { getItem: refuse, setItem: refuse, removeItem: refuse });
    expect(handOver(ASKED)).toBe(false);
    expect(takeOver()).toBeNull();
  });

  it("is followed by a question that is still to be written, told all that went before", () => {
    const second = followedUp({ ...followedUp(ASKED, "So."), prompt: "And then?" }, "Then this.");
    expect(second.prompt).toBe("");
    expect(second.options.history.map(({ role, content }) => `${role}: ${content}`)).toEqual([
      "user: Why?",
      "assistant: So.",
      "user: And then?",
      "assistant: Then this.",
    ]);
    expect(second).toMatchObject({ flow: "challenge@2", options: { model: "demo" } });
  });

  it("is told of a long conversation what was said last", () => {
    const long = Array.from({ length: 40 }, (_, place) => `${place}`).reduce<Asked>((asked, answer) => followedUp({ ...asked, prompt: `Why ${answer}?` }, answer), ASKED);
    expect(long.options.history).toHaveLength(MOST_MESSAGES);
    expect(long.options.history.at(-1)?.content).toBe("39");
    expect(long.options.history[0]).toMatchObject({ role: "user", content: "Why 15?" });
  });
});
