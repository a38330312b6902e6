import { describe, expect, it } from "vitest";
import { signedPoints } from "./points";

describe("points", () => {
  it("have a sign, one digit, and none of either where they are 0", () => {
    expect(signedPoints(0.0449, "en")).toBe("+4.5");
    expect(signedPoints(-0.03, "en")).toBe("−3");
    expect(signedPoints(0.0001, "en")).toBe("0");
    expect(signedPoints(-0.0001, "en")).toBe("0");
    expect(signedPoints(0.125, "es")).toBe("+12,5");
  });
});
