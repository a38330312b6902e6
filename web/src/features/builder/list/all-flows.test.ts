import { describe, expect, it } from "vitest";
import type { FlowEntry } from "../store-api";
import { found } from "./all-flows";

function entry(id: string, more: Partial<FlowEntry> = {}): FlowEntry {
  const plain = { id, name: id, description: "", origin: "library", flow_hash: "", inputs: {}, roles: [], version: null, newest: null, published: null };
  return { ...plain, revision: null, updated_at: null, problem_count: 0, ...more } as FlowEntry;
}

const flows = [
  entry("challenge", { name: { en: "Challenge", es: "Debate crítico" }, roles: ["creator", "refiner"] }),
  entry("adversarial", { description: { en: "A red team attacks", es: "Un equipo rojo ataca" } }),
  entry("old", { origin: "stored", newest: 3, updated_at: "2026-01-01T00:00:00Z" }),
  entry("new", { origin: "stored", newest: 1, updated_at: "2026-02-01T00:00:00Z" }),
  entry("linear", { newest: 1, updated_at: "2026-01-15T00:00:00Z" }),
];
const ids = (words: string, origin: Parameters<typeof found>[2] = "all", language = "en") => found(flows, words, origin, language).map(({ id }) => id);

describe("the list of flows", () => {
  it("has your own first, the newest before", () => {
    expect(ids("")).toEqual(["new", "linear", "old", "adversarial", "challenge"]);
  });

  it("finds by name, description and role, in the language that is spoken, by all of the words", () => {
    expect(ids("RED team")).toEqual(["adversarial"]);
    expect(ids("equipo")).toEqual([]);
    expect(ids("equipo", "all", "es")).toEqual(["adversarial"]);
    expect(ids("refiner")).toEqual(["challenge"]);
    expect(ids("red creator")).toEqual([]);
  });

  it("counts a flow of the library that has a draft of yours among both", () => {
    expect(ids("", "stored")).toEqual(["new", "linear", "old"]);
    expect(ids("", "library")).toEqual(["linear", "adversarial", "challenge"]);
  });
});
