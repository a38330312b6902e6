import { describe, expect, it } from "vitest";
import { pathOf } from "./paths";

const HEIGHT = 68;

/** The points that a path names. */
function points(path: string): [number, number][] {
  const numbers = path.match(/-?\d+(\.\d+)?/g)?.map(Number) ?? [];
  return numbers.flatMap((x, index) => (index % 2 === 0 ? [[x, numbers[index + 1] ?? Number.NaN] as [number, number]] : []));
}

describe("an edge", () => {
  it("forward begins and ends at its nodes, its label between them", () => {
    const { path, x, y } = pathOf({ sourceX: 0, sourceY: 0, targetX: 200, targetY: 100 }, HEIGHT);
    expect([points(path)[0], points(path).at(-1)]).toEqual([[0, 0], [200, 100]]);
    expect([x, y]).toEqual([100, 50]);
  });

  it.each([
    [600, 0, 0, 0],
    [600, 40, 0, 300],
    [200, 300, 0, 0],
    [0, 0, 0, 0],
  ])("back from %i,%i to %i,%i runs below both nodes, and its label with it", (sourceX, sourceY, targetX, targetY) => {
    const { path, y } = pathOf({ sourceX, sourceY, targetX, targetY }, HEIGHT);
    const all = points(path);
    expect([all[0], all.at(-1)]).toEqual([[sourceX, sourceY], [targetX, targetY]]);
    const lowest = Math.max(...all.map(([, at]) => at));
    expect(lowest).toBeGreaterThan(Math.max(sourceY, targetY) + HEIGHT / 2);
    expect(y).toBe(lowest);
    expect(Math.max(...all.map(([at]) => at))).toBeGreaterThan(sourceX);
    expect(Math.min(...all.map(([at]) => at))).toBeLessThan(targetX);
  });
});
