import { expect, it } from "vitest";
import { durationOf, guessOf } from "./duration";

it("says a stretch of time in the units of its size", () => {
  expect(durationOf(0)).toEqual({ unit: "milliseconds", ms: 0 });
  expect(durationOf(0.25)).toEqual({ unit: "milliseconds", ms: 250 });
  expect(durationOf(3.5)).toEqual({ unit: "seconds", seconds: 3.5, digits: 2 });
  expect(durationOf(42)).toEqual({ unit: "seconds", seconds: 42, digits: 1 });
  expect(durationOf(130)).toEqual({ unit: "minutes", minutes: 2, seconds: 10 });
  expect(durationOf(7500)).toEqual({ unit: "hours", hours: 2, minutes: 5 });
});

it("never says sixty seconds or sixty minutes beside a larger unit", () => {
  expect(durationOf(0.9996)).toEqual({ unit: "seconds", seconds: 0.9996, digits: 2 });
  expect(durationOf(119.6)).toEqual({ unit: "minutes", minutes: 2, seconds: 0 });
  expect(durationOf(3599.7)).toEqual({ unit: "hours", hours: 1, minutes: 0 });
  expect(durationOf(7199)).toEqual({ unit: "hours", hours: 2, minutes: 0 });
});

it("guesses in whole seconds, and never that nothing is left", () => {
  expect(guessOf(0.2)).toEqual({ unit: "seconds", seconds: 1, digits: 0 });
  expect(guessOf(8.74)).toEqual({ unit: "seconds", seconds: 9, digits: 0 });
  expect(guessOf(59.7)).toEqual({ unit: "minutes", minutes: 1, seconds: 0 });
  expect(guessOf(88.7)).toEqual({ unit: "minutes", minutes: 1, seconds: 29 });
  expect(guessOf(3599.9)).toEqual({ unit: "hours", hours: 1, minutes: 0 });
});
