import { expect, it, test } from "vitest";

import { firstValue, opsFor, readValue, written } from "./condition";

test("a field is compared by what it holds", () => {
  expect(opsFor("boolean")).toEqual(["==", "!="]);
  expect(opsFor("number")).toContain("<=");
  expect(opsFor("list")[0]).toBe("contains");
  expect(opsFor("of another version")).toHaveLength(8);
  expect(opsFor("boolean", "contains")).toContain("contains");
  expect([firstValue("boolean"), firstValue("number"), firstValue("text")]).toEqual([true, 0, ""]);
});

it.each([
  ["true", "==", true],
  [" 2.5 ", ">=", 2.5],
  ["high", "==", "high"],
  ['"2"', "==", "2"],
  ["", "==", ""],
  ["null", "!=", null],
  ["low, high", "in", ["low", "high"]],
  ["1, 2", "in", [1, 2]],
  ["[1, 2]", "in", [1, 2]],
  ['"a, b"', "in", ["a, b"]],
  ["a, b", "==", "a, b"],
  ["{broken", "==", "{broken"],
] as const)("%j after %s is read as it is meant", (text, op, value) => {
  expect(readValue(text, op)).toEqual(value);
});

it.each([
  ["4", "contains", "4"],
  [" true ", "==", " true "],
  ["low, high", "in", ["low", "high"]],
  ["4", "in", ["4"]],
  ['["a, b"]', "in", ["a, b"]],
] as const)("%j after %s is a text where the field holds one", (text, op, value) => {
  expect(readValue(text, op, "text")).toEqual(value);
  expect(readValue(written(value, "text"), op, "text")).toEqual(value);
});

it.each([true, 2.5, "high", "2", "true", "", null, "a, b", "[1]", ["low", "high"]])("%j is written so that it is read back", (value) => {
  expect(readValue(written(value), "==")).toEqual(value);
});
