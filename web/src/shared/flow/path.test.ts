import { describe, expect, it } from "vitest";
import { isIn, level, moved, pathOf, pointsOf, throughLanes } from "./path";

describe("a way", () => {
  const way = throughLanes({ x: 0, y: 0 }, [{ begin: 20, end: 60, at: 30 }], { x: 80, y: 0 });

  it("begins and ends where its nodes are, and is straight along its lane", () => {
    const points = pointsOf(way);
    expect([points[0], points.at(-1)]).toEqual([{ x: 0, y: 0 }, { x: 80, y: 0 }]);
    expect(points.filter(({ x }) => x >= 20 && x <= 60).every(({ y }) => Math.abs(y - 30) < 1e-9)).toBe(true);
  });

  it("never leaves the room between the two ends of each of its curves", () => {
    for (const { x, y } of pointsOf(way, 50)) expect(isIn({ x, y }, { x: 0, y: 0, width: 80, height: 30 }, 1e-6)).toBe(true);
  });

  it("is written as SVG wants it, wherever it is put", () => {
    const short = { start: { x: 0, y: 0 }, bends: [level({ x: 0, y: 0 }, { x: 10, y: 4 })] };
    expect(pathOf(short)).toBe("M 0 0 C 5 0 5 4 10 4");
    expect(pathOf(moved(short, ({ x, y }) => ({ x: y, y: x })))).toBe("M 0 0 C 0 5 4 5 4 10");
  });
});
