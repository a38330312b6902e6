import { describe, expect, it } from "vitest";
import { pathOf } from "./path";

describe("a line", () => {
  it("begins and ends where its corners do", () => {
    const path = pathOf([{ x: 0, y: 0 }, { x: 10, y: 5 }, { x: 20, y: 0 }]);
    expect(path).toBe("M 0 0 Q 10 5 15 2.5 L 20 0");
    expect(pathOf([])).toBe("");
  });
});
