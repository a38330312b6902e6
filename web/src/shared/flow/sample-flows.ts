// For tests: the flows of the library, and flows that nobody has drawn.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Sample {
  id: string;
  nodes: { id: string; kind: string }[];
  edges: { from: string; to: string; max_rounds?: number; when?: { value: string; op: string; than: unknown }; otherwise?: boolean }[];
}

const FOLDER = join(import.meta.dirname, "../../../../src/agent_lab/flows/library");

export const LIBRARY = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Sample);

/** A flow of 5 to 12 nodes with edges that skip layers, and some back; the same one for the same number. */
export function someFlow(number: number): Sample {
  const chance = chances(number);
  const count = 5 + Math.floor(chance() * 8);
  const nodes = Array.from({ length: count }, (_, index) => ({ id: `n${index}`, kind: "generate" }));
  const edges: Sample["edges"] = [];
  for (let to = 1; to < count; to += 1) {
    for (let from = 0; from < to; from += 1) {
      if (chance() < 0.28 || (from === to - 1 && chance() < 0.6)) edges.push({ from: `n${from}`, to: `n${to}` });
      else if (chance() < 0.06) edges.push({ from: `n${to}`, to: `n${from}`, max_rounds: 2 });
    }
  }
  return { id: `some_${number}`, nodes, edges: edges.map((edge) => (chance() < 0.25 ? { ...edge, when: WHEN } : edge)) };
}

const WHEN = { value: "n0.tokens", op: ">", than: 100 };

/** Numbers from 0 to 1, the same row of them for the same seed. */
function chances(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}
