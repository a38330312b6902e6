import { describe, expect, it } from "vitest";
import { aroundZero, frontierOf, linear, placeLabels, rangeOf, ribbons, ticks } from "./geometry";

describe("scales", () => {
  it("lead the ends of a range to the ends of the picture", () => {
    const scale = linear([10, 20], [0, 300]);
    expect([scale(10), scale(15), scale(20)]).toEqual([0, 150, 300]);
  });

  it("put a range without width in the middle", () => {
    expect(linear([3, 3], [0, 100])(3)).toBe(50);
  });

  it("hold all figures and keep within their bounds", () => {
    expect(rangeOf([0.5, 1], [0, 1])).toEqual([0.47, 1]);
    expect(rangeOf([], [0, Infinity])).toEqual([0, 1]);
    const [low, high] = rangeOf([0, 0], [0, Infinity]);
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(0);
  });

  it("have 0 in the middle where differences are shown, and room for the margin", () => {
    const [low, high] = aroundZero([-0.01, 0.04], 0.06);
    expect(low).toBeCloseTo(-high);
    expect(high).toBeCloseTo(0.0648);
  });

  it("are marked at round figures", () => {
    expect(ticks([0, 1], 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks([-0.3, 0.3], 4)).toEqual([-0.2, 0, 0.2]);
    expect(ticks([7, 7], 4)).toEqual([7]);
    for (const tick of ticks([0.013, 0.094], 6)) expect(String(tick).length).toBeLessThan(6);
  });
});

describe("labels", () => {
  const overlap = (one: { x: number; y: number; anchor: string }, other: typeof one, width: number) => {
    const left = (place: typeof one) => (place.anchor === "start" ? place.x : place.x - width);
    return Math.abs(one.y - other.y) < 14 && left(one) < left(other) + width && left(other) < left(one) + width;
  };

  it("of points at one place do not lie on each other", () => {
    const points = Array.from({ length: 5 }, () => ({ x: 150, y: 100, width: 90 }));
    const placed = placeLabels(points, 320, 240);
    expect(placed).toHaveLength(5);
    placed.forEach((one, index) => placed.slice(index + 1).forEach((other) => expect(overlap(one, other, 90)).toBe(false)));
  });

  it("of a point at the right edge stand to its left", () => {
    const [placed] = placeLabels([{ x: 300, y: 50, width: 80 }], 320, 240);
    expect(placed?.anchor).toBe("end");
    expect(placed?.x).toBeLessThanOrEqual(300);
  });

  it("stand on another line rather than out of the picture", () => {
    const placed = placeLabels([{ x: 100, y: 50, width: 70 }, { x: 250, y: 60, width: 130 }], 320, 240);
    for (const [one, width] of [[placed[0], 70], [placed[1], 130]] as const) {
      const left = (one?.x ?? NaN) - (one?.anchor === "end" ? width : 0);
      expect(left).toBeGreaterThanOrEqual(0);
      expect(left + width).toBeLessThanOrEqual(320);
    }
    expect(Math.abs((placed[0]?.y ?? 0) - (placed[1]?.y ?? 0))).toBeGreaterThanOrEqual(14);
  });
});

describe("the frontier", () => {
  it("has no arm that another one beats for less", () => {
    const arms = [
      { name: "single", cost: 1, score: 0.6 },
      { name: "vote", cost: 5, score: 0.8 },
      { name: "debate", cost: 5, score: 0.75 },
      { name: "waste", cost: 9, score: 0.7 },
      { name: "best", cost: 12, score: 0.9 },
    ];
    expect(frontierOf(arms).map(({ name }) => name)).toEqual(["single", "vote", "best"]);
  });
});

describe("flips", () => {
  it("are ribbons as thick as their counts, and none for what never happened", () => {
    const found = ribbons({ right_right: 60, right_wrong: 0, wrong_right: 20, wrong_wrong: 20 }, 0, 200, 110);
    expect(found.map(({ name, count }) => [name, count])).toEqual([
      ["right_right", 60],
      ["wrong_right", 20],
      ["wrong_wrong", 20],
    ]);
    expect(found[0]?.path.startsWith("M0 0C100 0 100 0 200 0V60")).toBe(true);
    expect(found[1]?.path.startsWith("M0 70C100 70 100 60 200 60V80")).toBe(true);
    expect(found[2]?.path).toContain("200 90V110");
  });

  it("of nothing are none", () => {
    expect(ribbons({ right_right: 0, right_wrong: 0, wrong_right: 0, wrong_wrong: 0 }, 0, 1, 1)).toEqual([]);
  });
});
