import { describe, expect, it } from "vitest";
import { EMPTY, kept, nameOf, specOf, useDraft, wrongIn, type ArmDraft } from "./draft";

const arm = (changes: Partial<ArmDraft>): ArmDraft => ({ key: "1", kind: "flow", name: "", flow: "challenge", node: "", k: "5", model: "", ...changes });

describe("the name of an arm", () => {
  it("is what was typed, else what the command line would call it", () => {
    expect(nameOf(arm({}))).toBe("challenge");
    expect(nameOf(arm({ name: " mine " }))).toBe("mine");
    expect(nameOf(arm({ kind: "vote" }))).toBe("vote~challenge:5");
    expect(nameOf(arm({ kind: "best_of", model: "demo", k: "3" }))).toBe("best-of~challenge:3:demo");
    expect(nameOf(arm({ kind: "without", node: "challenger" }))).toBe("without:challenge/challenger");
  });
});

describe("what is sent", () => {
  it("of a new form is a flow against its equal-cost baseline on the built-in problems", () => {
    expect(wrongIn(EMPTY)).toEqual([]);
    expect(specOf(EMPTY, "es")).toMatchObject({
      dataset: "demo",
      baseline: "auto",
      language: "es",
      arms: [{ kind: "flow", name: "challenge", flow: "challenge" }],
      scorer: { name: "number", tolerance: 0 },
      samples: 1,
      margin: 0.02,
      budget_usd: null,
    });
  });

  it("has of each arm what its kind takes, and nothing else", () => {
    const arms = [arm({ node: "x", model: "demo" }), arm({ key: "2", kind: "vote", model: "demo" }), arm({ key: "3", kind: "noise" })];
    expect(specOf({ ...EMPTY, arms, limit: "50", marginPoints: "2,5" }, "en")).toMatchObject({ limit: 50, margin: 0.025 });
    expect(specOf({ ...EMPTY, arms }, "en").arms).toEqual([
      { kind: "flow", name: "challenge", flow: "challenge" },
      { kind: "vote", name: "vote~challenge:5:demo", k: 5, like: "challenge", model: "demo" },
      { kind: "noise", name: "noise:challenge", flow: "challenge", node: null },
    ]);
  });
});

describe("programs", () => {
  it("are run where that was allowed, and for their tests alone", () => {
    expect(wrongIn({ ...EMPTY, scorer: "code" })).toEqual([{ at: "runCode", word: "run_code" }]);
    expect(wrongIn({ ...EMPTY, scorer: "code", runCode: true })).toEqual([]);
    expect(specOf({ ...EMPTY, scorer: "code", runCode: true }, "en")).toMatchObject({ scorer: { name: "code" }, run_code: true });
    expect(specOf({ ...EMPTY, runCode: true }, "en").run_code).toBe(false);
  });

  it("are not allowed for good: nothing of that is kept", () => {
    const later = kept({ ...useDraft.getState(), scorer: "code", runCode: true });
    expect(later).toMatchObject({ scorer: "code" });
    expect(later).not.toHaveProperty("runCode");
  });
});

describe("what is wrong", () => {
  it("is told at its field", () => {
    const arms = [arm({}), arm({ key: "2" }), arm({ key: "3", kind: "without", flow: "" }), arm({ key: "4", kind: "best_of", k: "1" })];
    expect(wrongIn({ ...EMPTY, arms, limit: "0", samples: "1.5", budgetUsd: "much", scorer: "regex" })).toEqual([
      { at: "limit", word: "number" },
      { at: "samples", word: "number" },
      { at: "budgetUsd", word: "number" },
      { at: "pattern", word: "pattern" },
      { at: "arm", key: "2", word: "twice" },
      { at: "arm", key: "3", word: "flow" },
      { at: "arm", key: "4", word: "k" },
    ]);
    expect(wrongIn({ ...EMPTY, arms: [] })).toEqual([{ at: "arms", word: "none" }]);
  });
});

describe("arms", () => {
  it("come and go, and a baseline that is gone is none", () => {
    useDraft.setState(EMPTY);
    useDraft.getState().addArm("vote");
    useDraft.getState().change({ baseline: "vote~challenge:5" });
    useDraft.getState().changeArm("2", { k: "3" });
    expect(useDraft.getState().baseline).toBe("vote~challenge:3");
    const added = useDraft.getState().arms.at(-1);
    expect(added).toMatchObject({ key: "2", kind: "vote", flow: "challenge" });
    useDraft.getState().removeArm("2");
    expect(useDraft.getState()).toMatchObject({ baseline: "auto", arms: [{ key: "1" }] });
  });
});
