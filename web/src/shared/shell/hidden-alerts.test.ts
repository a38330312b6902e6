import { describe, expect, it } from "vitest";
import { shown, stillHidden } from "./hidden-alerts";

const disk = { id: "disk", severity: "warning" } as const;
const queue = { id: "queue", severity: "critical" } as const;

describe("alerts that were hidden", () => {
  it("are not shown, others are", () => {
    expect(shown([disk, queue], { disk: "warning" })).toEqual([queue]);
  });

  it("are shown again when they get worse", () => {
    const worse = { ...disk, severity: "critical" } as const;
    expect(shown([worse], { disk: "warning" })).toEqual([worse]);
    expect(stillHidden([worse], { disk: "warning" })).toEqual({});
  });

  it("are shown again when they were gone and come back", () => {
    const kept = stillHidden([queue], { disk: "warning", queue: "critical" });
    expect(kept).toEqual({ queue: "critical" });
    expect(shown([disk, queue], kept)).toEqual([disk]);
  });

  it("stay the same object while nothing changes", () => {
    const hidden = { disk: "warning" } as const;
    expect(stillHidden([disk], hidden)).toBe(hidden);
  });
});
