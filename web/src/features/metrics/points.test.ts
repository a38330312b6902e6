import { describe, expect, it } from "vitest";
import { hasFigures, highest, isolated, last, rowsOf, spentByDay, timesOf, top, type Line } from "./points";

const line = (...values: (number | null)[]): Line => ({ label: "a", values, tone: "accent" });

describe("the points of a chart", () => {
  it("stand a step apart from the start on", () => {
    expect(timesOf({ start: "2026-11-21T09:00:00Z", step_s: 15, points: 3 })).toEqual([1795251600, 1795251615, 1795251630]);
  });

  it("know the last and the highest figure past gaps", () => {
    expect([last([1, 5, null, null]), highest([1, 5, null, -1])]).toEqual([5, 5]);
    expect([last([null]), highest([]), last([0]), highest([null, 0])]).toEqual([null, null, 0, 0]);
  });

  it("are dots where they stand alone", () => {
    expect(isolated([1, null, 2, 3, null, 4, null, 5])).toEqual([0, 5, 7]);
    expect(isolated([null, 7, null])).toEqual([1]);
    expect(isolated([1, 2])).toEqual([]);
    expect(isolated([])).toEqual([]);
  });

  it("are told in a table from the latest on, without the gaps", () => {
    expect(rowsOf([10, 20, 30], [line(1, null, 3), line(null, null, 0)])).toEqual([
      { time: 30, values: [3, 0] },
      { time: 10, values: [1, null] },
    ]);
    expect(hasFigures([line(null), line(null, 0)])).toBe(true);
    expect(hasFigures([line(null, null)])).toBe(false);
  });

  it("have room above them", () => {
    expect([top(null), top(0), top(100)]).toEqual([1, 1, 108]);
  });
});

describe("what was spent by day", () => {
  it("adds up models and leaves no day out", () => {
    const rows = [
      { day: "2026-11-19", usd: "0.25" },
      { day: "2026-11-21", usd: 0.5 },
      { day: "2026-11-21", usd: 1 },
      { day: "2026-10-01", usd: 9 },
    ];
    const { times, usd } = spentByDay(rows, "2026-11-21", 4);
    expect(usd).toEqual([0, 0.25, 0, 1.5]);
    expect(times.at(-1)).toBe(Date.parse("2026-11-21T00:00:00Z") / 1000);
    expect(times.length).toBe(4);
  });
});
