import { describe, expect, it } from "vitest";
import type { RunRow } from "@/shared/api/endpoints";
import { crossedFields, EVERYTHING, filterOf, newsQueryOf, passes, queryOf, searchOf, wrongFields } from "./filter";

const run = (more: Partial<RunRow>): RunRow => ({
  run_id: "r1",
  flow_id: "challenge",
  flow_hash: "h",
  status: "completed",
  prompt: "Why?",
  request_id: "q",
  created_at: "2026-11-21T09:00:00Z",
  ...more,
});

describe("the filter of an address", () => {
  it("comes back as it was", () => {
    const filter = { ...EVERYTHING, q: "50% & more", flow: "challenge", status: "failed", cost_to: "0.5" };
    expect(filterOf(new URLSearchParams(searchOf(filter)))).toEqual(filter);
    expect(searchOf(EVERYTHING)).toBe("");
  });

  it("leaves out what cannot be", () => {
    expect(filterOf(new URLSearchParams("status=odd&other=1"))).toEqual(EVERYTHING);
    expect(filterOf(new URLSearchParams({ q: "x".repeat(300) })).q).toHaveLength(200);
  });
});

describe("what the server is asked", () => {
  it("has only what narrows it down, with the last day in it", () => {
    const filter = { ...EVERYTHING, since: "2026-11-20", until: "2026-11-21", cost_from: "0,02" };
    expect(queryOf(filter)).toEqual({
      cost_from: 0.02,
      since: new Date("2026-11-20T00:00:00").toISOString(),
      until: new Date("2026-11-22T00:00:00").toISOString(),
    });
    expect(queryOf(EVERYTHING)).toEqual({});
  });

  it("leaves out what is no figure or no day, and says which", () => {
    const filter = { ...EVERYTHING, cost_from: "much", cost_to: "-1", since: "2026-13-40" };
    expect(queryOf(filter)).toEqual({});
    expect(wrongFields(filter)).toEqual(["cost_from", "cost_to", "since"]);
    expect(wrongFields(EVERYTHING)).toEqual([]);
  });

  it("asks for news without what a run comes into or leaves", () => {
    expect(newsQueryOf({ ...EVERYTHING, status: "failed", cost_to: "1", q: "x" })).toEqual({ q: "x" });
  });
});

describe("a run of the news", () => {
  it("passes where its state and its cost do", () => {
    expect(passes({ ...EVERYTHING, status: "failed" }, run({ status: "failed" }))).toBe(true);
    expect(passes({ ...EVERYTHING, status: "failed" }, run({}))).toBe(false);
    expect(passes({ ...EVERYTHING, cost_from: "0.1" }, run({ cost_usd: 0.1 }))).toBe(true);
    expect(passes({ ...EVERYTHING, cost_from: "0" }, run({ cost_usd: null }))).toBe(false);
    expect(passes({ ...EVERYTHING, cost_to: "0.1" }, run({ cost_usd: 0.2 }))).toBe(false);
    expect(passes(EVERYTHING, run({}))).toBe(true);
  });
});

describe("two ends", () => {
  it("are told where the upper one lies below the lower one, and only then", () => {
    const crossed = (part: Partial<typeof EVERYTHING>) => crossedFields({ ...EVERYTHING, ...part });
    expect(crossed({ cost_from: "0,5", cost_to: "0.4", since: "2026-11-22", until: "2026-11-21" })).toEqual(["cost_to", "until"]);
    expect(crossed({ cost_from: "0.4", cost_to: "0.4", since: "2026-11-21", until: "2026-11-21" })).toEqual([]);
    expect(crossed({ cost_to: "0", until: "2026-11-21" })).toEqual([]);
    expect(crossed({ cost_from: "a lot", cost_to: "0" })).toEqual([]);
  });
});
