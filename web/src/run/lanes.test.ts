import { describe, expect, it, test } from "vitest";

import type { RunEvent, RunStarted, RunView } from "./events";
import { figuresOf, NO_WORK, worked, workedS } from "./figures";
import { TranscriptFold } from "./lanes";
import { laneKey, NO_TRANSCRIPT, turnKey, type Lane, type Transcript } from "./transcript";

interface Vector {
  readonly events: readonly RunEvent[];
  readonly view: RunView;
}

const FOLDER = "../../../tests/vectors/";
const found = import.meta.glob<Vector>("../../../tests/vectors/*.json", { eager: true, import: "default" });
const vectors = Object.entries(found).map(([path, vector]) => [path.slice(FOLDER.length), vector] as const);
const vector = (name: string): Vector => found[`${FOLDER}${name}.json`] ?? expect.fail(`there is no vector ${name}`);

const AT = "2026-01-01T00:00:00Z";
const node_started = (node: string, visit = 1): RunEvent => ({
  type: "node_started", seq: 1, at: AT, node, visit, kind: "generate", label: node, role: node,
});
const node_finished = (node: string, visit = 1): RunEvent => ({
  type: "node_finished", seq: 1, at: AT, node, visit, output: { text: "", fields: {} }, next: [], seconds: 1, reused: false,
});
const token = (text: string, offset: number, node = "a", sample = 0): RunEvent => ({
  type: "token", seq: 0, at: AT, node, visit: 1, sample, offset, text,
});
const broke: RunEvent = { type: "restarted", seq: 1, at: AT, node: "a", visit: 1, sample: 0, reason: "It was cut off." };

function told(events: readonly RunEvent[]): Transcript {
  const fold = new TranscriptFold();
  for (const event of events) fold.apply(event);
  return fold.transcript();
}

function laneOf(events: readonly RunEvent[]): Lane {
  return told(events).lanes.get(laneKey({ node: "a", visit: 1, sample: 0 })) ?? expect.fail("there is no such lane");
}

/** What the server says to a reader who comes back at that point: the answers being written, from their first word. */
function caughtUp(events: readonly RunEvent[], at: number): readonly RunEvent[] {
  const voices = new Map<string, RunEvent>();
  for (const event of events.slice(0, at)) {
    if (event.type === "token") {
      const before = voices.get(laneKey(event));
      const text = (before?.type === "token" ? before.text : "") + event.text;
      voices.set(laneKey(event), { ...event, offset: 0, text });
    } else if (event.type === "generation_finished" || event.type === "restarted") voices.delete(laneKey(event));
  }
  return [...voices.values()];
}

describe.each(vectors)("%s", (_name, { events, view }) => {
  it("leaves every answer as it is recorded, with a lane for each", () => {
    const { lanes, turns } = told(events);
    const answers = events.filter((event) => event.type === "generation_finished");
    for (const answer of answers) {
      const lane = lanes.get(laneKey(answer));
      expect(lane).toMatchObject({ state: "done", text: answer.result.text, reused: answer.reused });
      expect(turns.get(turnKey(answer.node, answer.visit))?.lanes).toContain(lane?.key);
    }
    const listed = [...turns.values()].flatMap((turn) => turn.lanes);
    expect(listed.sort()).toEqual([...lanes.keys()].sort());
  });

  it("has each turn in one stage, and says of the newest of each node what the view says", () => {
    const { turns, stages } = told(events);
    expect(stages.flatMap((stage) => stage.turns).sort()).toEqual([...turns.keys()].sort());
    for (const node of view.nodes.filter(({ visits }) => visits > 0)) {
      const turn = turns.get(turnKey(node.id, node.visits));
      expect(turn).toMatchObject({ kind: node.kind, role: node.role, votes: node.votes });
      const states = { completed: "done", failed: "failed", skipped: "left", waiting: "running" } as const;
      expect(turn?.state).toBe(node.status in states ? states[node.status as keyof typeof states] : node.status);
    }
  });

  it("is the same for a reader who was away at any moment of it", () => {
    const whole = told(events);
    for (let at = 0; at <= events.length; at += 1) {
      const fold = new TranscriptFold();
      for (const event of events.slice(0, at)) fold.apply(event);
      const before = [...fold.transcript().lanes.values()].map(({ text }) => text);
      for (const event of caughtUp(events, at)) fold.apply(event);
      expect([...fold.transcript().lanes.values()].map(({ text }) => text)).toEqual(before);
      for (const event of events.slice(at)) fold.apply(event);
      expect(fold.transcript()).toEqual(whole);
    }
  });

  it("is worked on for as long as its end says", () => {
    if (view.finished_at === null) return;
    expect(workedS(events.reduce(worked, NO_WORK), Infinity)).toBe(view.totals.seconds);
  });

  it("does not change what it has shown, nor what no event touches", () => {
    const fold = new TranscriptFold();
    const shown: [Transcript, string][] = [];
    const asText = (seen: Transcript): string =>
      JSON.stringify([[...seen.lanes], [...seen.turns], seen.stages, seen.ahead]);
    for (const event of events) {
      const before = fold.transcript();
      fold.apply(event);
      const after = fold.transcript();
      expect(fold.transcript()).toBe(after);
      shown.push([after, asText(after)]);
      if (event.type !== "token") continue;
      const touched = laneKey(event);
      for (const [key, lane] of before.lanes) if (key !== touched) expect(after.lanes.get(key)).toBe(lane);
      if (before.lanes.has(touched)) expect([after.turns, after.stages]).toEqual([before.turns, before.stages]);
      if (before.lanes.has(touched)) expect(after.turns).toBe(before.turns);
    }
    for (const [then, text] of shown) expect(asText(then)).toBe(text);
  });
});

test("pieces are put where they belong: again, overlapping, or late", () => {
  const begun = node_started("a");
  expect(laneOf([begun, token("one ", 0), token("two", 4)]).text).toBe("one two");
  expect(laneOf([begun, token("one ", 0), token("one two", 0)]).text).toBe("one two");
  expect(laneOf([begun, token("one tw", 0), token("two", 4)]).text).toBe("one two");
});

test("offsets count characters as the server does", () => {
  const begun = node_started("a");
  expect(laneOf([begun, token("🦉é", 0), token("𝄞!", 2), token("?", 4)]).text).toBe("🦉é𝄞!?");
  expect(laneOf([begun, token("🦉é𝄞!", 0), token("...", 3)]).text).toBe("🦉é𝄞...");
  expect(laneOf([begun, token("🦉é𝄞!", 0), token("?", 4)]).isBehind).toBe(false);
});

test("a piece that does not follow on what is there is not shown, until the missing one comes with the rest", () => {
  const missed = [node_started("a"), token("one ", 0), token("three", 8)];
  expect(laneOf(missed)).toMatchObject({ text: "one ", isBehind: true });
  expect(laneOf([...missed, token("one two three", 0)])).toMatchObject({ text: "one two three", isBehind: false });
});

test("an answer that broke off begins anew, and says so", () => {
  const events = [node_started("a"), token("wrong", 0), broke];
  expect(laneOf(events)).toMatchObject({ state: "asked", text: "", restarts: 1, reason: "It was cut off." });
  expect(laneOf([...events, token("right", 0)])).toMatchObject({ state: "speaking", text: "right", restarts: 1 });
});

test("what was said before a process went away is void once it is asked for again", () => {
  const asked = vector("challenge_completed").events.find((event) => event.type === "generation_started");
  const again = asked?.type === "generation_started" ? { ...asked, node: "a" } : expect.fail("nothing was asked");
  expect(laneOf([node_started("a"), again, token("half an ans", 0), again])).toMatchObject({ state: "asked", text: "" });
  expect(laneOf([node_started("a"), again, token("half an ans", 0), again, token("a whole one", 0)]).text).toBe("a whole one");
});

test("a late token does not touch an answer that is done", () => {
  const { events } = vector("challenge_restarted");
  const done = events.findIndex((event) => event.type === "generation_finished");
  const before = told(events.slice(0, done + 1));
  const fold = new TranscriptFold();
  for (const event of events.slice(0, done + 1)) fold.apply(event);
  fold.apply(token("late", 3, "creator"));
  expect(fold.transcript()).toEqual(before);
});

test("turns stand side by side while none of them has ended, each flow within a flow by itself", () => {
  const stages = (events: readonly RunEvent[]): readonly (readonly string[])[] =>
    told(events).stages.map(({ turns }) => turns);
  const experts = ["x", "y", "z"].map((node) => node_started(node));
  expect(stages([...experts, node_finished("x"), node_started("sum")])).toEqual([["x 1", "y 1", "z 1"], ["sum 1"]]);
  const rounds = [node_started("x"), node_finished("x"), node_started("y"), node_finished("y"), node_started("x", 2)];
  expect(stages(rounds)).toEqual([["x 1"], ["y 1"], ["x 2"]]);
  const branches = ["each[1]/draft", "each[2]/draft", "each~2[1]/draft"].map((node) => node_started(node));
  const within = [node_started("each"), ...branches, node_finished("each[1]/draft"), node_started("each[1]/check")];
  const drafts = ["each[1]/draft 1", "each[2]/draft 1", "each~2[1]/draft 1"];
  expect(stages(within)).toEqual([["each 1"], drafts, ["each[1]/check 1"]]);
  expect(told(within).turns.get("each[2]/draft 1")?.within).toBe("each");
  expect(told(within).turns.get("each 1")?.within).toBeNull();
});

test("lanes stand in the order of their samples, whichever speaks first", () => {
  const spoken = [2, 0, 3, 1].map((sample) => token("hm", 0, "a", sample));
  expect(told([node_started("a"), ...spoken]).turns.get("a 1")?.lanes).toEqual(["a 1 0", "a 1 1", "a 1 2", "a 1 3"]);
});

test("before its first event there is nothing", () => {
  expect(new TranscriptFold().transcript()).toEqual(NO_TRANSCRIPT);
});

test("eight lanes at a hundred tokens a second each cost a small part of a second", () => {
  const fold = new TranscriptFold();
  const nodes = Array.from({ length: 8 }, (_, at) => `expert_${at}`);
  for (const node of nodes) fold.apply(node_started(node));
  const began = performance.now();
  const SECONDS = 20;
  for (let tick = 0; tick < SECONDS * 100; tick += 1) {
    for (const node of nodes) fold.apply(token("word ", tick * 5, node));
    if (tick % 2 === 0) fold.transcript();
  }
  const tookS = (performance.now() - began) / 1000;
  for (const lane of fold.transcript().lanes.values()) expect(lane.text).toBe("word ".repeat(SECONDS * 100));
  expect(tookS).toBeLessThan(SECONDS / 20);
});

test("the figures of an answer are those of its result", () => {
  const { lanes } = told(vector("challenge_completed").events);
  const lane = lanes.get("creator 1 0") ?? expect.fail("there is no such lane");
  const result = lane.result ?? expect.fail("there is no result");
  const figures = figuresOf({
    ...lane,
    result: {
      ...result,
      tokens_generated: 30,
      timings: { load_s: 1, queue_s: 0.5, first_token_s: 0.2, inference_s: 2, total_s: 3.5 },
      attempts: [
        { provider: "local", model: "m", outcome: "busy", seconds: 1, model_key: "m" },
        { provider: "local", model: "m", outcome: "ok", seconds: 1, model_key: "m" },
      ],
    },
  });
  expect(figures).toMatchObject({ tokensPerS: 15, isHit: result.cache_hit, queueS: 0.5, firstTokenS: 0.2, failedTries: 1 });
  expect(figuresOf({ ...lane, reused: true })?.isHit).toBeNull();
  expect(figuresOf({ ...lane, result: { ...result, finish_reason: "declined" } })?.isHit).toBeNull();
  expect(figuresOf({ ...lane, result: null })).toBeNull();
});

test("the time between a process that was killed and the one that goes on is no work", () => {
  const at = (second: number): string => new Date(second * 1000).toISOString();
  const started = vector("told_waiting").events[0] as RunStarted;
  const events: RunEvent[] = [
    { ...started, at: at(0) },
    { ...node_started("a"), at: at(4) },
    { ...token("one", 0), at: at(9) },
    { type: "run_resumed", seq: 3, at: at(60), recorded_steps: 0 },
  ];
  expect(laneOf(events.slice(0, 3)).wasCutOff).toBe(false);
  expect(laneOf(events).wasCutOff).toBe(true);
  expect(workedS(events.slice(0, 3).reduce(worked, NO_WORK), 10_000)).toBe(10);
  expect(workedS(events.reduce(worked, NO_WORK), 61_000)).toBe(5);
  expect(told(events).turns.get(turnKey("a", 1))?.startedAt).toBe(at(60));
});

test("what failed in a node that went on without it is not had again when the run is resumed", () => {
  const resumed: RunEvent = { type: "run_resumed", seq: 9, at: "2026-01-01T00:01:00Z", recorded_steps: 0 };
  expect(laneOf([node_started("a"), token("one", 0), node_finished("a"), resumed]).wasCutOff).toBe(false);
  const within = [node_started("each"), node_started("each[0]/b"), token("one", 0, "each[0]/b")];
  const inner = (events: readonly RunEvent[]) => told(events).lanes.get(laneKey({ node: "each[0]/b", visit: 1, sample: 0 }));
  expect(inner([...within, resumed])?.wasCutOff).toBe(true);
  expect(inner([...within, node_finished("each"), resumed])?.wasCutOff).toBe(false);
});

test("time in the queue, in a pause and with a person is no work", () => {
  const at = (second: number): string => new Date(second * 1000).toISOString();
  const started = vector("told_waiting").events[0] as RunStarted;
  const events: RunEvent[] = [
    { ...started, at: at(0) },
    { type: "run_queued", seq: 2, at: at(0), ahead: 3 },
    { type: "run_admitted", seq: 3, at: at(10) },
    { type: "run_paused", seq: 4, at: at(12) },
    { type: "run_resumed", seq: 5, at: at(100), recorded_steps: 0 },
  ];
  expect(workedS(events.slice(0, 2).reduce(worked, NO_WORK), 9_000)).toBe(0);
  expect(workedS(events.slice(0, 3).reduce(worked, NO_WORK), 11_500)).toBe(1.5);
  expect(workedS(events.slice(0, 4).reduce(worked, NO_WORK), 50_000)).toBe(2);
  expect(workedS(events.reduce(worked, NO_WORK), 101_000)).toBe(3);
  expect(told(events).ahead).toBe(3);
});
