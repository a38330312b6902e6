import { expect, it, test } from "vitest";

import type { Setting } from "../inspector/controls";
import { needsOf } from "./needs";

const setting = (name: string, control: Setting["control"]): Setting => ({ name, control, isRequired: false, standard: null, mayBeNull: true, isRare: false });
const PROMPTS = [setting("prompt", { is: "prompt" }), setting("system", { is: "prompt" }), setting("inputs", { is: "prompts", most: null })];
const OF = [setting("of", { is: "nodes", isMany: true, mayBeOne: false })];
const OTHERS = new Set(["creator", "challenger", "plan"]);
const EDGES = [
  { from: "creator", to: "it" },
  { from: "challenger", to: "it" },
];
const told = (node: object, settings: readonly Setting[], edges = EDGES) =>
  needsOf({ id: "it", kind: "generate", ...node }, settings, edges, OTHERS).map(({ node: id, fields, isNeeded }) => [id, fields.join(" "), isNeeded]);

it.each<[object, unknown[]]>([
  [{ prompt: "{user_input} {round} {nobody_output}" }, []],
  [{ prompt: "{creator_output}" }, [["creator", "", true]]],
  [{ prompt: "{?creator_output}{creator_output}{/creator_output}" }, [["creator", "", false]]],
  [{ prompt: { en: "{plan.steps}", es: "{plan.text}" }, system: "{?challenger_output}x{/challenger_output}" }, [["plan", "steps", true], ["challenger", "", false]]],
  [{ inputs: { a: "{creator.score}" } }, [["creator", "score", true]]],
  [{ prompt: "{previous_output}" }, [["creator", "", false], ["challenger", "", false]]],
])("%j reads what it names", (node, needs) => {
  expect(told(node, PROMPTS)).toEqual(needs);
});

test("what led here is needed where it is one node alone", () => {
  expect(told({ prompt: "{previous_output}" }, PROMPTS, EDGES.slice(0, 1))).toEqual([["creator", "", true]]);
});

test("nodes that are named in settings are needed, and those before where none is named", () => {
  expect(told({ kind: "vote", of: ["plan"] }, OF)).toEqual([["plan", "", true]]);
  expect(told({ kind: "vote" }, OF)).toEqual([["creator", "", false], ["challenger", "", false]]);
  expect(told({ kind: "analyzer" }, [])).toEqual([]);
});
