import { describe, expect, it, test } from "vitest";

import { waitMs, type Connection } from "./connection";
import type { RunEvent } from "./events";
import { HIDDEN_MS, RunStream, SILENCE_MS, type StreamOptions } from "./stream";
import restarted from "../../../tests/vectors/challenge_restarted.json";
import council from "../../../tests/vectors/council_completed.json";
import { bytesOf, honest, problem, settled, streaming, World, type Answer } from "./world";

const EVENTS = restarted.events as unknown as readonly RunEvent[];
const STORED = EVENTS.filter((event) => event.seq > 0);
const refusing: Answer = () => Promise.reject(new TypeError("Failed to fetch"));

interface Heard {
  readonly world: World;
  readonly stream: RunStream;
  readonly events: RunEvent[];
  readonly states: Connection[];
}

function listen(answers: readonly Answer[], more: Partial<StreamOptions> = {}): Heard {
  const world = new World(answers);
  const events: RunEvent[] = [];
  const states: Connection[] = [];
  const stream = new RunStream({
    url: "/api/runs/one/events",
    around: world,
    onEvents: (news) => void events.push(...news),
    onConnection: (connection) => void states.push(connection),
    ...more,
  });
  stream.start();
  return { world, stream, events, states };
}

const stateOf = ({ states }: Heard): string | undefined => states.at(-1)?.state;
const numbers = (events: readonly RunEvent[]): number[] => events.map(({ seq }) => seq).filter((seq) => seq > 0);

test("a run is told from its first event to its last, and then the stream is left", async () => {
  const heard = listen([honest(EVENTS)]);
  await settled();
  expect(heard.events).toEqual(EVENTS);
  expect(heard.states.map(({ state }) => state)).toEqual(["connecting", "open", "ended"]);
  expect(heard.world.asked[0]?.headers.get("accept")).toBe("text/event-stream");
  expect(heard.world.asked[0]?.headers.has("last-event-id")).toBe(false);
  expect(heard.world.asked[0]?.signal.aborted).toBe(true);
  expect([heard.world.watched, heard.world.waiting]).toEqual([0, 0]);
});

describe.each([
  ["a run that broke off", EVENTS],
  ["a run in Spanish", council.events as unknown as readonly RunEvent[]],
])("%s", (_name, events) => {
  const bytes = bytesOf(events);
  const stored = events.filter((event) => event.seq > 0);

  it.each(["end", "break"] as const)("is told without gap or repeat, wherever the stream should %s", async (how) => {
    for (let cut = 0; cut < bytes.length; cut += 97) {
      const heard = listen([streaming([bytes.slice(0, cut)], how), honest(events)]);
      await settled();
      await heard.world.pass(1_000);
      expect(heard.events.filter((event) => event.seq > 0)).toEqual(stored);
      expect(stateOf(heard)).toBe("ended");
    }
  });

  it("is told whole whatever the pieces in which it comes", async () => {
    for (const size of [1, 2, 3, 1_021]) {
      const pieces = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
      const heard = listen([streaming(pieces, "stay")]);
      for (let turn = 0; turn < 50 && stateOf(heard) !== "ended"; turn += 1) await settled();
      expect(heard.events).toEqual(events);
    }
  });
});

test("it comes back with the number of the last event that it has, and only with a stored one's", async () => {
  const upTo = EVENTS.findIndex((event) => event.type === "token") + 1;
  const heard = listen([streaming([bytesOf(EVENTS.slice(0, upTo))]), honest(EVENTS)]);
  await heard.world.pass(1_000);
  expect(heard.world.asked.map(({ after }) => after)).toEqual([0, 3]);
  expect(numbers(heard.events)).toEqual(numbers(STORED));
});

test("it begins after the events that are there already", async () => {
  const heard = listen([honest(EVENTS)], { after: 10, headers: { "X-Request-Id": "mine" } });
  await settled();
  expect(heard.world.asked[0]?.headers.get("x-request-id")).toBe("mine");
  expect(numbers(heard.events)).toEqual([11, 12, 13, 14, 15]);
});

test("a reader that has all of it is told so, and does not come back", async () => {
  const heard = listen([() => new Response(null, { status: 204 })], { after: 15 });
  await heard.world.pass(100_000);
  expect(heard.states.map(({ state }) => state)).toEqual(["connecting", "ended"]);
  expect(heard.world.asked).toHaveLength(1);
});

test("events that come twice are told once", async () => {
  const heard = listen([streaming([bytesOf(STORED.slice(0, 5)), bytesOf(STORED)], "stay")]);
  await settled();
  expect(heard.events).toEqual(STORED);
});

test("a gap is never told: what is missing is asked for", async () => {
  const heard = listen([streaming([bytesOf([...STORED.slice(0, 2), ...STORED.slice(4)])], "stay"), honest(STORED)]);
  await settled();
  expect(heard.events).toEqual(STORED.slice(0, 2));
  await heard.world.pass(1_000);
  expect(heard.world.asked[1]?.after).toBe(2);
  expect(heard.events).toEqual(STORED);
});

test("what cannot be read is told as such, after all that came whole before it", async () => {
  const torn = new TextEncoder().encode('data: {"seq": 3, "type"\n\n');
  const heard = listen([streaming([new Uint8Array([...bytesOf(STORED.slice(0, 2)), ...torn])], "stay"), honest(STORED)]);
  await settled();
  expect(heard.events).toEqual(STORED.slice(0, 2));
  expect(heard.states.at(-1)).toMatchObject({ state: "lost", trouble: { kind: "garbled" } });
  await heard.world.pass(1_000);
  expect(heard.events).toEqual(STORED);
});

test("a page in place of a stream is not taken for one", async () => {
  const page: Answer = () => new Response("<html>", { headers: { "content-type": "text/html" } });
  const heard = listen([page, honest(EVENTS)]);
  await settled();
  expect(heard.states.at(-1)).toMatchObject({ state: "lost", trouble: { kind: "garbled" } });
  await heard.world.pass(1_000);
  expect(heard.events).toEqual(EVENTS);
});

test("a server that is gone is asked ever more rarely, and found when it is back", async () => {
  const heard = listen([streaming([bytesOf(STORED.slice(0, 3))], "break"), refusing, refusing, refusing, honest(EVENTS)]);
  const waits = [500, 1_000, 2_000, 4_000];
  for (const [attempt, wait] of waits.entries()) {
    await settled();
    expect(heard.states.at(-1)).toEqual({
      state: "lost",
      trouble: { kind: attempt === 0 ? "cut" : "unreachable", status: null, type: null, detail: null },
      attempt: attempt + 1,
      retryAt: heard.world.time + wait,
    });
    await heard.world.pass(wait - 1);
    expect(heard.world.asked).toHaveLength(attempt + 1);
    await heard.world.pass(1);
    expect(heard.world.asked).toHaveLength(attempt + 2);
  }
  expect(numbers(heard.events)).toEqual(numbers(STORED));
  expect(heard.states.map(({ state }) => state)).toEqual(["connecting", "open", "lost", "lost", "lost", "lost", "open", "ended"]);
});

test("waits double up to a bound, and differ from reader to reader", () => {
  expect([0, 1, 2, 5, 50].map((attempt) => waitMs(attempt, 1))).toEqual([500, 1_000, 2_000, 15_000, 15_000]);
  expect(waitMs(2, 0)).toBe(1_000);
});

test("whoever does not want to wait tries again at once", async () => {
  const heard = listen([refusing, honest(EVENTS)]);
  await settled();
  heard.stream.retry();
  await settled();
  expect(heard.world.time).toBe(0);
  expect(stateOf(heard)).toBe("ended");
});

test.each([
  [401, "not-signed-in", "Sign in first."],
  [404, "not-found", "There is no run 'one'."],
  [422, "invalid-request", "Last-Event-ID must be the number of an event."],
])("an answer of %i is told with its sentence, and not asked for again", async (status, type, detail) => {
  const heard = listen([problem(status, type, detail)]);
  await heard.world.pass(100_000);
  const trouble = { kind: "answered", status, type: `urn:agent-lab:problem:${type}`, detail };
  expect(heard.states).toEqual([{ state: "connecting" }, { state: "refused", trouble }]);
  expect(heard.world.asked).toHaveLength(1);
});

test("what a refusal says is kept beside its sentence, for those who say it in another language", async () => {
  const said = { code: "no_run", values: { run: "one" } };
  const body = { type: "urn:agent-lab:problem:conflict", title: "", status: 409, detail: "No.", said };
  const heard = listen([() => new Response(JSON.stringify(body), { status: 409 })]);
  await settled();
  expect(heard.states.at(-1)).toMatchObject({ state: "refused", trouble: { detail: "No.", said } });
});

test("a server that says when to come back is not asked before", async () => {
  const away = problem(503, "lab-away", "Start the lab.", { "retry-after": "7" });
  const heard = listen([away, honest(EVENTS)]);
  await settled();
  expect(heard.states.at(-1)).toMatchObject({ state: "lost", trouble: { detail: "Start the lab." }, retryAt: 7_000 });
  await heard.world.pass(6_999);
  expect(heard.world.asked).toHaveLength(1);
  await heard.world.pass(1);
  expect(stateOf(heard)).toBe("ended");
});

test("an error page without a sentence is told by its status alone", async () => {
  const heard = listen([() => new Response("<h1>Bad gateway</h1>", { status: 502 }), honest(EVENTS)]);
  await settled();
  expect(heard.states.at(-1)).toMatchObject({ state: "lost", trouble: { kind: "answered", status: 502, detail: null } });
});

test("a connection on which nothing is said for long is given up, and a ping keeps it", async () => {
  let say: (text: string) => void = () => undefined;
  const held: Answer = ({ signal }) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        say = (text) => controller.enqueue(new TextEncoder().encode(text));
        signal.addEventListener("abort", () => controller.error(new DOMException("left", "AbortError")));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  const heard = listen([held, honest(EVENTS)]);
  await heard.world.pass(SILENCE_MS - 1);
  say(": ping\r\n\r\n");
  await heard.world.pass(SILENCE_MS - 1);
  expect(stateOf(heard)).toBe("open");
  await heard.world.pass(1);
  expect(heard.states.at(-1)).toMatchObject({ state: "lost", trouble: { kind: "silent" } });
  await heard.world.pass(1_000);
  expect(stateOf(heard)).toBe("ended");
});

test("a server that never answers is given up too", async () => {
  const never: Answer = ({ signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  const heard = listen([never, honest(EVENTS)]);
  await heard.world.pass(SILENCE_MS);
  expect(heard.states.at(-1)).toMatchObject({ state: "lost", trouble: { kind: "silent" } });
});

test("a hidden page gives its connection back, and goes on where it was once it is seen", async () => {
  const heard = listen([streaming([bytesOf(STORED.slice(0, 6))], "stay"), honest(EVENTS)]);
  await settled();
  heard.world.hide(true);
  await heard.world.pass(HIDDEN_MS - 1);
  expect(stateOf(heard)).toBe("open");
  await heard.world.pass(1);
  expect(stateOf(heard)).toBe("resting");
  expect(heard.world.asked[0]?.signal.aborted).toBe(true);
  await heard.world.pass(1_000_000);
  expect(heard.world.asked).toHaveLength(1);
  heard.world.hide(false);
  await settled();
  expect(heard.world.asked[1]?.after).toBe(6);
  expect(numbers(heard.events)).toEqual(numbers(STORED));
  expect(heard.states.map(({ state }) => state)).toEqual(["connecting", "open", "resting", "connecting", "open", "ended"]);
});

test("a page that is hidden for a moment keeps its connection", async () => {
  const heard = listen([streaming([bytesOf(STORED.slice(0, 6))], "stay"), refusing]);
  await settled();
  heard.world.hide(true);
  await heard.world.pass(HIDDEN_MS - 1);
  heard.world.hide(false);
  await heard.world.pass(HIDDEN_MS);
  expect(stateOf(heard)).toBe("open");
  expect(heard.world.asked).toHaveLength(1);
});

test("a page that is opened hidden does not connect, nor does one that is hidden while the server is gone", async () => {
  const heard = listen([refusing, honest(EVENTS)]);
  await settled();
  heard.world.hide(true);
  await heard.world.pass(100_000);
  expect(heard.world.asked).toHaveLength(1);
  expect(stateOf(heard)).toBe("resting");
  heard.world.hide(false);
  await settled();
  expect(stateOf(heard)).toBe("ended");
});

test("a stream that was closed says no more and leaves nothing behind", async () => {
  const heard = listen([streaming([bytesOf(STORED.slice(0, 6))], "stay"), honest(EVENTS)]);
  await settled();
  heard.stream.close();
  heard.stream.close();
  await heard.world.pass(100_000);
  expect(heard.states.map(({ state }) => state)).toEqual(["connecting", "open", "closed"]);
  expect(heard.world.asked).toHaveLength(1);
  expect([heard.world.watched, heard.world.waiting]).toEqual([0, 0]);
});

test("a reader may leave in the middle of what it is being told", async () => {
  const heard: Heard = listen([honest(EVENTS)], { onEvents: () => heard.stream.close() });
  await settled();
  expect(stateOf(heard)).toBe("closed");
});

test("how far the server's clock is ahead is told", async () => {
  const clocks: number[] = [];
  const dated: Answer = async (asked) => {
    const answer = await honest(EVENTS)(asked);
    answer.headers.set("date", new Date(60_000).toUTCString());
    return answer;
  };
  listen([dated], { onClock: (ahead) => void clocks.push(ahead) });
  await settled();
  expect(clocks).toEqual([60_500]);
});
