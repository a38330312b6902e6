import { describe, expect, it } from "vitest";
import type { RunRow } from "@/shared/api/endpoints";
import { inserted, reach, rowsOf, unlisted, updated, type Pages } from "./merge";

const run = (minute: number, more: Partial<RunRow> = {}): RunRow => ({
  run_id: `r${minute}`,
  flow_id: "f",
  flow_hash: "h",
  status: "completed",
  prompt: "",
  request_id: "q",
  created_at: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
  ...more,
});

const pages = (...groups: (readonly number[])[]): Pages => ({
  pages: groups.map((minutes, number) => ({
    runs: minutes.map((minute) => run(minute)),
    next_cursor: number === groups.length - 1 ? "more" : `r${minutes.at(-1)}`,
  })),
  pageParams: groups.map(() => null),
});

const nothing: Pages = { pages: [{ runs: [], next_cursor: null }], pageParams: [null] };
const ids = (list: Pages) => rowsOf(list).map(({ run_id }) => run_id);

describe("news of a list", () => {
  it("bring rows up to date where they stand", () => {
    const list = pages([9, 8], [7]);
    const after = updated(list, [run(7, { status: "failed" }), run(12)]);
    expect(rowsOf(after).map(({ status }) => status)).toEqual(["completed", "completed", "failed"]);
    expect(updated(list, [run(9), run(8)])).toBe(list);
    expect(rowsOf(updated(list, [run(9, { models: ["demo"] })]))[0]?.models).toEqual(["demo"]);
  });

  it("are told apart from what is listed, as far as the list reaches", () => {
    const list = pages([9, 8], [7]);
    expect(unlisted(list, [run(10), run(9), run(3)]).map(({ run_id }) => run_id)).toEqual(["r10"]);
    const whole = { ...list, pages: list.pages.map((page) => ({ ...page, next_cursor: null })) };
    expect(unlisted(whole, [run(3)]).map(({ run_id }) => run_id)).toEqual(["r3"]);
    expect(unlisted(nothing, [run(1)])).toHaveLength(1);
  });

  it("go to their places, whichever page has them", () => {
    const after = inserted(pages([9, 7], [5]), [run(10), run(8), run(6), run(4)]);
    expect(ids(after)).toEqual(["r10", "r9", "r8", "r7", "r6", "r5", "r4"]);
    expect(ids(inserted(nothing, [run(1)]))).toEqual(["r1"]);
  });

  it("show a run once that two pages tell of", () => {
    expect(ids(pages([9, 8], [8, 7]))).toEqual(["r9", "r8", "r7"]);
  });

  it("have a stated order for runs of the same instant, and for parts of a second", () => {
    const at = (run_id: string, created_at: string) => run(5, { run_id, created_at });
    const list = { pages: [{ runs: [at("a", "2026-01-01T00:05:00Z")], next_cursor: null }], pageParams: [null] };
    expect(ids(inserted(list, [at("b", "2026-01-01T00:05:00Z")]))).toEqual(["b", "a"]);
    expect(ids(inserted(list, [at("0", "2026-01-01T00:05:00.000001Z")]))).toEqual(["0", "a"]);
  });
});

describe("the reach of the news", () => {
  const news = [run(9), run(8), run(7)];

  it("is lost where they are many and all newer than what was known", () => {
    expect(reach(run(6), news, true, 3)).toEqual({ known: run(9), isBeyond: true });
    expect(reach(run(7), news, true, 3)).toEqual({ known: run(9), isBeyond: false });
    expect(reach(run(6), news, true, 4)).toEqual({ known: run(9), isBeyond: false });
  });

  it("is lost but once: the list is asked for anew, and the same news are known then", () => {
    const { known } = reach(run(6), news, false, 3);
    expect(reach(known, news, false, 3).isBeyond).toBe(false);
  });

  it("begins with the first news where nothing is known yet", () => {
    expect(reach(undefined, news, false, 3)).toEqual({ known: run(9), isBeyond: false });
    expect(reach(undefined, [], true, 3)).toEqual({ known: undefined, isBeyond: false });
  });

  it("does not go on while some of them wait to be listed", () => {
    expect(reach(run(8), news, false, 3)).toEqual({ known: run(8), isBeyond: false });
    expect(reach(run(8), [run(12), run(11), run(10)], false, 3).isBeyond).toBe(true);
  });
});
