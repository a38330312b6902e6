import { expect, it, test } from "vitest";

import { placed, placeOf, said, type FoundProblem } from "./places";

const FLOW = {
  nodes: [{ id: "creator" }, { id: "challenger" }, { kind: "generate" }],
  edges: [{ from: "creator", to: "challenger" }],
};
const problem = (path: string, message = "It is wrong."): FoundProblem => ({ path, message, severity: "error" });

it.each([
  ["/nodes/1/prompt/es", { is: "node", id: "challenger", setting: "prompt", rest: ["es"] }],
  ["/nodes/0", { is: "node", id: "creator", setting: "", rest: [] }],
  ["/nodes/2/kind", { is: "node", id: "", setting: "kind", rest: [] }],
  ["/nodes/9", { is: "node", id: "", setting: "", rest: [] }],
  ["/nodes", { is: "flow", id: "", setting: "nodes", rest: [] }],
  ["/edges/0/when/value", { is: "edge", id: "creator->challenger", setting: "when", rest: ["value"] }],
  ["/limits/max_steps", { is: "flow", id: "", setting: "limits", rest: ["max_steps"] }],
  ["/tests/2/expect/0/value", { is: "flow", id: "", setting: "tests", rest: ["2", "expect", "0", "value"] }],
  ["/nodes/0/inputs/a~1b~0", { is: "node", id: "creator", setting: "inputs", rest: ["a/b~"] }],
  ["", { is: "flow", id: "", setting: "", rest: [] }],
])("%j has its place", (path, place) => {
  expect(placeOf(path, FLOW)).toEqual(place);
});

test("what is no flow at all has its problems all the same", () => {
  expect(placeOf("/nodes/0/id", {})).toMatchObject({ is: "node", id: "" });
  expect(placeOf("/nodes/0/id", { nodes: "none" })).toMatchObject({ is: "node", id: "" });
});

test("the problems of one setting are one text", () => {
  const found = placed([problem("/nodes/0/prompt/en", "One."), problem("/nodes/0/prompt/es", "Two."), problem("/nodes/0/model", "Three.")], FLOW);
  expect(said(found, "prompt")).toBe("One.\nTwo.");
  expect(said(found, "prompt", ["es"])).toBe("Two.");
  expect(said(found, "samples")).toBeUndefined();
});
