import { expect, test } from "vitest";

import type { RunEvent } from "./events";
import { RunFollower, unheard, type RunState } from "./follower";
import { fold } from "./reducer";
import restarted from "../../../tests/vectors/challenge_restarted.json";
import { bytesOf, honest, problem, settled, streaming, World, type Answer } from "./world";

const EVENTS = restarted.events as unknown as readonly RunEvent[];

interface Followed {
  readonly world: World;
  readonly follower: RunFollower;
  readonly states: RunState[];
  /** Lets the browser draw its next frame. */
  draw(): void;
}

function follow(answers: readonly Answer[]): Followed {
  const world = new World(answers);
  const states: RunState[] = [];
  const frames: (() => void)[] = [];
  const follower = new RunFollower("one", {
    url: "/api/runs/one/events",
    around: world,
    nextFrame: (draw) => void frames.push(draw),
    onChange: (state) => void states.push(state),
  });
  follower.start();
  const draw = (): void => frames.splice(0).forEach((frame) => frame());
  return { world, follower, states, draw };
}

test("a run that has ended is seen whole", async () => {
  const { states } = follow([honest(EVENTS)]);
  await settled();
  const last = states.at(-1) ?? expect.fail("nothing was shown");
  expect(last.connection).toEqual({ state: "ended" });
  expect(last.view).toEqual(fold(EVENTS));
  expect(last.transcript.lanes.get("creator 1 0")?.text).toBe(last.view?.draft);
  expect(last.work).toMatchObject({ doneMs: (last.view?.totals.seconds ?? 0) * 1000, since: null });
});

test("however many events come between two frames, they make one change", async () => {
  const upTo = EVENTS.findIndex((event) => event.type === "generation_finished");
  const pieces = EVENTS.slice(0, upTo).map((event) => bytesOf([event]));
  const { states, draw } = follow([streaming(pieces, "stay")]);
  await settled();
  await settled();
  const before = states.length;
  expect(states.at(-1)?.view).toBeNull();
  draw();
  expect(states.length).toBe(before + 1);
  expect(states.at(-1)?.transcript.lanes.get("creator 1 0")).toMatchObject({ state: "speaking", restarts: 1 });
  draw();
  expect(states.length).toBe(before + 1);
});

test("the past of a run is shown once, when it is there, and not piece by piece", async () => {
  const said: ((events: readonly RunEvent[]) => void)[] = [];
  const held: Answer = () =>
    new Response(
      new ReadableStream<Uint8Array>({ start: (controller) => void said.push((events) => controller.enqueue(bytesOf(events))) }),
      { headers: { "content-type": "text/event-stream" } },
    );
  const { states, draw, world } = follow([held]);
  world.time = Date.parse("2126-01-01T00:00:00Z"); // long after the run
  await settled();
  for (const event of EVENTS.slice(0, 12)) {
    said[0]?.([event]);
    await settled();
    draw();
    await world.pass(20);
  }
  expect(states.map(({ view }) => view)).toEqual(states.map(() => null));
  await world.pass(200); // nothing more comes: it waits for a person, or a model is slow
  draw();
  expect(states.at(-1)?.view).toEqual(fold(EVENTS.slice(0, 12)));
  said[0]?.(EVENTS.slice(12, 13));
  await settled();
  draw();
  expect(states.at(-1)?.view).toEqual(fold(EVENTS.slice(0, 13)));
});

test("a piece of an answer leaves the view as it is", async () => {
  let say: (events: readonly RunEvent[]) => void = () => undefined;
  const held: Answer = () =>
    new Response(
      new ReadableStream<Uint8Array>({ start: (controller) => void (say = (events) => controller.enqueue(bytesOf(events))) }),
      { headers: { "content-type": "text/event-stream" } },
    );
  const { states, draw } = follow([held]);
  await settled();
  const at = EVENTS.findIndex((event) => event.type === "token");
  say(EVENTS.slice(0, at));
  await settled();
  draw();
  say(EVENTS.slice(at, at + 1));
  await settled();
  draw();
  const [before, after] = states.slice(-2);
  expect(after?.view).toBe(before?.view);
  expect(after?.transcript.turns).not.toBe(undefined);
  expect(after?.transcript.lanes).not.toBe(before?.transcript.lanes);
});

test("what is known stays while the server is gone", async () => {
  const { states, world, draw } = follow([streaming([bytesOf(EVENTS.slice(0, 8))]), problem(503, "lab-away", "Start it.")]);
  await settled();
  draw();
  await world.pass(1_000);
  const last = states.at(-1) ?? expect.fail("nothing was shown");
  expect(last.connection).toMatchObject({ state: "lost", trouble: { detail: "Start it." } });
  expect(last.view?.prompt).not.toBe("");
});

test("a page that is older than its server says so, and stops", async () => {
  const news = { type: "moon_rose", seq: 2, at: "2026-01-01T00:00:00Z" } as unknown as RunEvent;
  const { states, world, draw } = follow([streaming([bytesOf([...EVENTS.slice(0, 1), news])], "stay")]);
  await settled();
  draw();
  await world.pass(100_000);
  expect(states.at(-1)).toMatchObject({ isOutdated: true, connection: { state: "closed" } });
  expect(world.asked).toHaveLength(1);
});

test("before anything is heard there is no view", () => {
  expect(unheard("one")).toMatchObject({ runId: "one", view: null, connection: { state: "connecting" } });
});
