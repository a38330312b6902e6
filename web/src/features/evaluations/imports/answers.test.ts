import { expect, it } from "vitest";
import type { EvaluationSpec } from "../api";
import { importSpec, SameArm, together, type AnswersRead } from "./answers";

function read(arms: readonly string[], samples = 1): AnswersRead {
  return {
    dataset: { name: "sums", content_hash: "f00d", items: 2 },
    items: [],
    samples,
    answers: Object.fromEntries(arms.map((arm) => [arm, [{ item: "1", answer: "42" }]])),
    warnings: arms.map((arm) => `${arm}: mind this.`),
  };
}

it("puts the arms of several files together, each with the file that it is from", () => {
  const reading = together([
    ["a.csv", read(["mine", "theirs"])],
    ["b.jsonl", read(["third"], 3)],
  ]);
  expect(reading.sources).toEqual({ mine: "a.csv", theirs: "a.csv", third: "b.jsonl" });
  expect(Object.keys(reading.answers)).toEqual(["mine", "theirs", "third"]);
  expect(reading.warnings).toHaveLength(3);
  const judged = { scorer: { name: "number" }, run_code: false, budget_usd: 2, limit: 7, dataset: "demo" } as EvaluationSpec;
  const spec = importSpec(reading, "theirs", judged);
  expect(spec).not.toHaveProperty("limit");
  expect(spec).toMatchObject({
    dataset: "sums",
    samples: 3,
    budget_usd: null,
    baseline: "theirs",
    arms: [
      { kind: "imported", name: "mine", source: "a.csv" },
      { kind: "imported", name: "theirs", source: "a.csv" },
      { kind: "imported", name: "third", source: "b.jsonl" },
    ],
  });
  expect(importSpec(reading, "gone", judged).baseline).toBe("auto");
});

it("says once what is to be minded of several files", () => {
  const warnings = ["The file has no ids."];
  const reading = together([
    ["a.csv", { ...read(["mine"]), warnings }],
    ["b.csv", { ...read(["theirs"]), warnings }],
  ]);
  expect(reading.warnings).toEqual(warnings);
  expect(reading.said).toEqual({});
});

it("tells which two files have the same arm", () => {
  const both = () =>
    together([
      ["a.csv", read(["mine"])],
      ["b.csv", read(["mine"])],
    ]);
  expect(both).toThrow(SameArm);
  try {
    both();
  } catch (error) {
    expect(error).toMatchObject({ arm: "mine", files: ["a.csv", "b.csv"] });
  }
});

it("keeps what the warnings of all files say", () => {
  const said = (code: string) => ({ [`${code}: mind this.`]: { code, values: {} } });
  const reading = together([
    ["a.csv", { ...read(["mine"]), said: said("mine") }],
    ["b.csv", { ...read(["theirs"]), said: said("theirs") }],
  ]);
  expect(Object.keys(reading.said)).toEqual(reading.warnings);
});
