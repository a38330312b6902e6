import { describe, expect, it, test } from "vitest";

import type { JsonValue } from "./events";
import { judgementOf, tallyOf, verdictOf } from "./issues";

describe("faults", () => {
  it("are read as the library's challengers give them", () => {
    const issues = [{ severity: 3, where: "47 + 38", why: "the carry is missing", fix: "85" }];
    expect(verdictOf({ issues, accepted: false, issues_count: 1, severity_max: 3 })).toEqual({
      issues: [{ gravity: 3, severity: "3", where: "47 + 38", why: "the carry is missing", fix: "85" }],
      isAccepted: false,
    });
  });

  it("may be none", () => {
    expect(verdictOf({ issues: [], accepted: true })).toEqual({ issues: [], isAccepted: true });
  });

  it.each<[JsonValue, number | null]>([
    [0, 0], ["2", 2], ["high", 3], ["Media", 1 + 1], ["crítico", 3], [7, null], ["very bad", null], [null, null], [true, null], [2.5, null],
  ])("of the severity %j have the gravity %j", (severity, gravity) => {
    expect(verdictOf({ issues: [{ severity, why: "so" }] })?.issues[0]?.gravity).toBe(gravity);
  });

  it("are found under another name, and in other words", () => {
    const problemas = [{ gravedad: "alta", lugar: "línea 2", motivo: "falta la llevada", arreglo: "85" }];
    expect(verdictOf({ model: "demo", problemas })?.issues).toEqual([
      { gravity: 3, severity: "alta", where: "línea 2", why: "falta la llevada", fix: "85" },
    ]);
  });

  it("may be plain sentences, and hold anything", () => {
    expect(verdictOf({ issues: ["too long", { why: { deep: [1] } }, null, 7] })?.issues.map(({ why }) => why)).toEqual([
      "too long", '{"deep":[1]}', "", "7",
    ]);
  });

  it("may be nested without end", () => {
    const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) as JsonValue;
    expect(verdictOf({ issues: [deep] })?.issues[0]?.why).toBe("…");
  });

  it("are not read into other lists", () => {
    expect(verdictOf({ samples: ["a", "b"], failed: [], results: [{ text: "x" }], tokens: 3 })).toBeNull();
    expect(verdictOf({})).toBeNull();
  });
});

test("a judgement has its scores, and says what could not be read", () => {
  const fields = {
    winner: "creator", tied: false, flipped: 1, unread: "2", left_out: 0,
    scores: [{ candidate: "creator", score: 8, why: "right" }, { candidate: "rival", score: null }, { score: 3 }, "x"],
    reasons: ["creator: right", 3],
  };
  expect(judgementOf(fields)).toEqual({
    winner: "creator", isTied: false, flipped: 1, unread: 2, leftOut: 0,
    scores: [{ candidate: "creator", score: 8, why: "right" }, { candidate: "rival", score: null, why: "" }],
    reasons: ["creator: right", "3"],
  });
  expect(judgementOf({ scores: [1, 2] })).toBeNull();
  expect(judgementOf({ winner: "a" })).toBeNull();
});

test("a vote has its counts, its ties and those who held no choice", () => {
  const fields = {
    winner: "85", share: 0.6667, votes: 2, tied: true, voters: 4, abstained: 1,
    tally: [{ choice: "85", votes: 2, voters: ["a#1", "a#2"] }, { choice: "75", votes: 1, voters: ["a#3"] }, null],
  };
  expect(tallyOf(fields)).toEqual({
    winner: "85", share: 0.6667, isTied: true, voters: 4, abstained: 1,
    counts: [{ choice: "85", votes: 2, voters: ["a#1", "a#2"] }, { choice: "75", votes: 1, voters: ["a#3"] }],
  });
  expect(tallyOf({ winner: null, tally: [] })).toMatchObject({ winner: null, counts: [], voters: 0, share: null });
  expect(tallyOf({ votes: 3 })).toBeNull();
});
