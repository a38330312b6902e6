import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forget, keep, recalled } from "./kept";

/** A browser's storage: what it keeps are properties of it. */
class Shelf {
  getItem(key: string): string | null {
    return (this as unknown as Record<string, string>)[key] ?? null;
  }
  setItem(key: string, text: string): void {
    (this as unknown as Record<string, string>)[key] = text;
  }
  removeItem(key: string): void {
    delete (this as unknown as Record<string, string>)[key];
  }
}

beforeEach(() => vi.stubGlobal("localStorage", new Shelf()));
afterEach(() => vi.unstubAllGlobals());

describe("what was written and not sent", () => {
  it("is there until it is dropped", () => {
    keep("answer one", { text: "half" });
    expect(recalled("answer one")).toEqual({ text: "half" });
    forget("answer one");
    expect(recalled("answer one")).toBeUndefined();
  });

  it("is let go once fifty others were written after it", () => {
    vi.useFakeTimers();
    for (let at = 0; at < 51; at += 1) {
      vi.setSystemTime(at);
      keep(`n${at}`, at);
    }
    vi.useRealTimers();
    expect(recalled("n0")).toBeUndefined();
    expect(recalled("n1")).toBe(1);
    expect(recalled("n50")).toBe(50);
  });

  it("is nothing where what is kept cannot be read", () => {
    localStorage.setItem("agent-lab.unsent.broken", "{");
    expect(recalled("broken")).toBeUndefined();
    expect(recalled("none")).toBeUndefined();
  });

  it("does no harm in a browser that keeps nothing", () => {
    vi.unstubAllGlobals();
    keep("a", 1);
    forget("a");
    expect(recalled("a")).toBeUndefined();
  });
});
