import { describe, expect, it, test } from "vitest";

import { add, decimal, toNumber } from "./decimal";
import type { RunEvent, RunView } from "./events";
import { fold, RunFold } from "./reducer";

interface Vector {
  readonly events: readonly RunEvent[];
  readonly view: RunView;
}

const FOLDER = "../../../tests/vectors/";
const found = import.meta.glob<Vector>("../../../tests/vectors/*.json", { eager: true, import: "default" });
const vectors = Object.entries(found).map(([path, vector]) => [path.slice(FOLDER.length), vector] as const);

it("finds the vectors", () => {
  expect(vectors.length).toBeGreaterThan(4);
});

describe.each(vectors)("%s", (_name, { events, view }) => {
  it("folds to its view", () => {
    expect(fold(events)).toStrictEqual(view);
  });

  it("may be looked at after every event, and looks the same in the end", () => {
    const run = new RunFold();
    const seen: [RunView, string][] = [];
    for (const event of events) {
      run.apply(event);
      const now = run.view();
      seen.push([now, JSON.stringify(now)]);
    }
    expect(run.view()).toStrictEqual(view);
    for (const [then, text] of seen) expect(JSON.stringify(then)).toBe(text);
  });

  it("stays as it is after its end", () => {
    if (view.finished_at === null) return;
    for (const late of events) expect(fold([...events, late])).toStrictEqual(view);
  });

  it("is not changed by live tokens", () => {
    expect(fold(events.filter((event) => event.type !== "token"))).toStrictEqual(view);
  });
});

test("a node that no event touches is the same object in the next view", () => {
  const [, vector] = vectors[0] ?? expect.fail("there are no vectors");
  const run = new RunFold();
  const [started, ...rest] = vector.events;
  if (started !== undefined) run.apply(started);
  const before = run.view().nodes;
  const next = rest.find((event) => event.type === "node_started");
  if (next !== undefined) run.apply(next);
  const after = run.view().nodes;
  expect(after[0]).not.toBe(before[0]);
  expect(after.slice(1)).toEqual(before.slice(1));
  after.slice(1).forEach((node, place) => expect(node).toBe(before[place + 1]));
});

test("an event of a node that never began is told of", () => {
  const lost: RunEvent = { type: "person_answered", seq: 1, at: "2026-01-01T00:00:00Z", node: "a", visit: 1, text: "" };
  expect(() => fold([lost])).toThrow(/no node "a"/);
});

test.each([
  [[0.1, 0.2], 0.3],
  [[1e-7, 2e-7], 3e-7],
  [[1e21, 1], 1e21 + 1],
  [[0.1, 0.2, -0.3], 0],
  [[1234567.000001, 0.000000000001], 1234567.000001000001],
])("the sum of %j is %d", (parts, sum) => {
  expect(toNumber(parts.map(decimal).reduce((one, other) => add(one, other)!))).toBe(sum);
});

test("a sum is unknown as soon as one part of it is", () => {
  expect(toNumber(add(decimal(1), null))).toBeNull();
});
