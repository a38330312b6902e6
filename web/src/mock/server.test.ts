import { afterEach, expect, test } from "vitest";
import type { RunEvent } from "@/run/events";
import { RunFollower, type RunState } from "@/run/follower";
import { settled, World } from "@/run/world";
import { answerWith, api, ask, told, toldWith } from "@/shared/api/client";
import { ApiProblem } from "@/shared/api/problem";
import recorded from "./recorded.json";
import type { Recording } from "./recording";
import { MockServer } from "./server";

const NOW = Date.parse("2026-06-01T09:00:00Z");

/** A page before the mock server, under a clock that goes when told; every question of the app goes through it. */
function page(): World {
  const world = new World([]);
  world.time = NOW;
  const server = new MockServer(recorded as unknown as Recording, world);
  const fetch: typeof server.fetch = async (...asked) => {
    const answer = server.fetch(...asked);
    answer.catch(() => undefined);
    await world.pass(0);
    return answer;
  };
  answerWith(fetch as typeof globalThis.fetch);
  return world;
}

afterEach(() => answerWith((...asked) => fetch(...asked)));

function follow(world: World, id: string): { states: RunState[]; close: () => void } {
  const states: RunState[] = [];
  const around = Object.assign(Object.create(world) as World, { fetch: (url: string, init: RequestInit) => ask(url, init) });
  const follower = new RunFollower(id, {
    url: `/api/runs/${id}/events`,
    around,
    nextFrame: (draw) => draw(),
    onChange: (state) => void states.push(state),
  });
  follower.start();
  return { states, close: () => follower.close() };
}

async function pass(world: World, seconds: number): Promise<void> {
  for (let ms = 0; ms < seconds * 1000; ms += 40) await world.pass(40);
}

const start = (flow: string) => told(api.POST("/api/runs", { body: { flow, prompt: "What is 1 + 1?" } }));

async function refusal(call: Promise<unknown>): Promise<ApiProblem> {
  const error = await call.then(() => null).catch((caught: unknown) => caught);
  if (error instanceof ApiProblem) return error;
  return expect.fail(`no problem but ${String(error)}`);
}

test("everything that the screens ask first is answered", async () => {
  page();
  const models = await told(api.GET("/models"));
  expect(models.models.map((model) => model.key)).toContain("demo");
  const flows = await told(api.GET("/api/flows", { params: { query: { limit: 200 } } }));
  expect(flows.flows.map((flow) => flow.id)).toEqual(expect.arrayContaining(["linear", "challenge", "debate", "signed_off"]));
  const runs = await told(api.GET("/api/runs", { params: { query: { limit: 50 } } }));
  expect(new Set(runs.runs.map((run) => run.status))).toEqual(new Set(["completed", "declined", "waiting", "limit_exceeded"]));
  expect((await told(api.GET("/health"))).status).toBe("healthy");
  expect((await told(api.GET("/api/node-kinds"))).kinds.length).toBeGreaterThan(8);
  expect((await told(api.GET("/api/providers"))).providers.length).toBeGreaterThan(2);
  expect((await told(api.GET("/api/settings"))).first_run.demonstration_only).toBe(true);
  const history = await told(api.GET("/api/metrics/history", { params: { query: { range: "1h" } } }));
  expect(history.totals.calls).toBeGreaterThan(0);
});

test("what was recorded seems to have been just now", async () => {
  page();
  const { runs } = await told(api.GET("/api/runs", { params: { query: { limit: 1 } } }));
  expect(NOW - Date.parse(runs[0]?.created_at ?? "")).toBe(7 * 60_000 - 5);
});

test("runs are found by flow, status and text, a page at a time", async () => {
  page();
  const list = (query: object) => told(api.GET("/api/runs", { params: { query } }));
  expect((await list({ flow: "challenge" })).runs.every((run) => run.flow_id === "challenge")).toBe(true);
  expect((await list({ status: "waiting" })).runs.map((run) => run.flow_id)).toEqual(["signed_off"]);
  expect((await list({ q: "POEM" })).runs.map((run) => run.status)).toEqual(["declined"]);
  expect((await list({ q: "no such words" })).runs).toEqual([]);
  const first = await list({ limit: 4 });
  const second = await list({ limit: 4, cursor: first.next_cursor });
  const ids = [...first.runs, ...second.runs].map((run) => run.run_id);
  expect(new Set(ids).size).toBe(8);
});

test("a new run streams its answers word by word, and ends", async () => {
  const world = page();
  const info = await start("challenge");
  const { states } = follow(world, info.run_id);
  await pass(world, 1.5);
  const early = states.at(-1) ?? expect.fail("nothing was shown");
  expect(early.view?.prompt).toBe("What is 1 + 1?");
  expect(early.view?.status).toBe("running");
  await pass(world, 15);
  const last = states.at(-1) ?? expect.fail("nothing was shown");
  expect(last.connection).toEqual({ state: "ended" });
  expect(last.view?.status).toBe("completed");
  const seen = new Set(states.map((state) => state.transcript.lanes.get("creator 1 0")?.text));
  const whole = last.transcript.lanes.get("creator 1 0")?.text ?? "";
  expect(seen.size).toBeGreaterThan(3);
  expect([...seen].every((text) => whole.startsWith(text ?? ""))).toBe(true);
  expect(await told(api.GET("/api/runs/{run_id}", { params: { path: { run_id: info.run_id } } }))).toEqual(last.view);
});

test("a reader who comes in the middle has the same in the end", async () => {
  const world = page();
  const { run_id } = await start("multi_perspective");
  const first = follow(world, run_id);
  await pass(world, 1);
  const second = follow(world, run_id);
  await pass(world, 15);
  expect(second.states.at(-1)?.view).toEqual(first.states.at(-1)?.view);
  expect(second.states.at(-1)?.transcript.lanes).toEqual(first.states.at(-1)?.transcript.lanes);
});

test("a run is stopped, and stays so", async () => {
  const world = page();
  const { run_id } = await start("challenge");
  const { states } = follow(world, run_id);
  await pass(world, 1);
  const path = { params: { path: { run_id } } };
  expect((await told(api.POST("/api/runs/{run_id}/cancel", path))).status).toBe("cancelled");
  await pass(world, 15);
  expect(states.at(-1)?.view?.status).toBe("cancelled");
  expect((await refusal(told(api.POST("/api/runs/{run_id}/cancel", path)))).status).toBe(409);
});

test("a paused run goes on where it stood", async () => {
  const world = page();
  const { run_id } = await start("challenge");
  const path = { params: { path: { run_id } } };
  const { states } = follow(world, run_id);
  await pass(world, 1);
  const pausing = told(api.POST("/api/runs/{run_id}/pause", path));
  await pass(world, 15);
  expect((await pausing).status).toBe("paused");
  const calls = states.at(-1)?.view?.totals.calls;
  expect(states.at(-1)?.view?.status).toBe("paused");
  await told(api.POST("/api/runs/{run_id}/resume", path));
  await pass(world, 15);
  expect(states.at(-1)?.view?.status).toBe("completed");
  expect(states.at(-1)?.view?.totals.calls).toBeGreaterThan(calls ?? 99);
});

test("a run that waits for a person goes on as it was answered", async () => {
  for (const [text, calls] of [
    ["yes", 1],
    ["no", 3],
  ] as const) {
    const world = page();
    const { run_id } = await start("signed_off");
    const { states } = follow(world, run_id);
    await pass(world, 10);
    expect(states.at(-1)?.view?.status).toBe("waiting");
    await told(api.POST("/api/runs/{run_id}/answer", { params: { path: { run_id } }, body: { node: "approval", text } }));
    await pass(world, 60);
    expect(states.at(-1)?.view?.status).toBe("completed");
    expect(states.at(-1)?.view?.totals.calls).toBe(calls);
  }
});

test("forks, their preview and the comparison are those that were recorded", async () => {
  page();
  const { runs } = await told(api.GET("/api/runs", { params: { query: { flow: "challenge" } } }));
  const fork = runs.find((run) => run.parent_run_id !== null) ?? expect.fail("no fork was recorded");
  const run_id = fork.parent_run_id ?? "";
  const preview = await told(
    api.POST("/api/runs/{run_id}/fork/preview", { params: { path: { run_id } }, body: { from_node: "refiner" } }),
  );
  expect(preview).toMatchObject({ run_id, nodes: ["refiner"], calls: 1, reused_calls: 2 });
  const begun = await told(api.POST("/api/runs/{run_id}/fork", { params: { path: { run_id } }, body: { from_node: "refiner" } }));
  expect(begun.parent_run_id).toBe(run_id);
  const path = { run_id: begun.run_id, other_id: run_id };
  const compared = await told(api.GET("/api/runs/{run_id}/compare/{other_id}", { params: { path } }));
  expect(compared.left.run_id).toBe(begun.run_id);
  expect(compared.same_flow).toBe(false);
});

test("a flow is saved, and a second tab does not overwrite it unseen", async () => {
  page();
  const flow_id = "mine";
  const path = { params: { path: { flow_id } } };
  await told(api.POST("/api/flows/{flow_id}/duplicate", { params: { path: { flow_id: "challenge" } }, body: { id: flow_id } }));
  const { data: document, headers } = await toldWith(api.GET("/api/flows/{flow_id}", path));
  const save = (etag: string) =>
    told(api.PUT("/api/flows/{flow_id}", { ...path, body: { ...document, name: "Mine" } as never, headers: { "If-Match": etag } }));
  expect((await save(headers.get("etag") ?? "")).newest).toBe(2);
  expect((await refusal(save(headers.get("etag") ?? ""))).slug).toBe("stale");
  expect((await told(api.GET("/api/flows/{flow_id}", path))).name).toBe("Mine");
  expect((await told(api.POST("/api/flows/validate", { body: document as never }))).valid).toBe(true);
});

test("a model is put out of memory and taken in again", async () => {
  page();
  const path = { params: { path: { key: "demo" } } };
  await told(api.DELETE("/cache/{model_key}", { params: { path: { model_key: "demo" } } }));
  expect((await told(api.GET("/models/{key}", path))).loaded).toBe(false);
  await told(api.POST("/models/{key}/load", path));
  expect((await told(api.GET("/models/{key}", path))).loaded).toBe(true);
  expect((await told(api.GET("/cache"))).models.map((model) => model.model_key)).toEqual(["demo"]);
});

test("what was not recorded is said in a sentence, and never made up", async () => {
  page();
  for (const call of [
    told(api.POST("/api/login-codes")),
    start("of-my-own"),
    told(api.POST("/api/flows/validate", { body: { id: "x", name: "x", nodes: [] } as never })),
    told(api.POST("/api/providers/{name}/test", { params: { path: { name: "openai" } } })),
  ]) {
    const { status, document } = await refusal(call);
    expect(status).toBe(501);
    expect(document.detail).toMatch(/^Mock mode .+\.$/);
  }
});

test("a question that is taken back is not answered", async () => {
  page();
  const leaving = new AbortController();
  const call = ask("/models", { signal: leaving.signal });
  leaving.abort();
  await expect(call).rejects.toThrow(DOMException);
  await settled();
});

test("the recording tells only what the app knows", () => {
  const kinds = new Set((recorded.runs as unknown as RunEvent[][]).flat().map((event) => event.type));
  expect(kinds.has("token")).toBe(false);
  expect(kinds.has("vote_cast")).toBe(true);
});

test("the recorded evaluation is there with its report, its items, its badge and its dataset", async () => {
  page();
  const { evaluations } = await told(api.GET("/api/evaluations"));
  const { evaluation_id } = evaluations[0] ?? expect.fail("there is none");
  const path = { evaluation_id };
  expect(await told(api.GET("/api/evaluations/{evaluation_id}", { params: { path } }))).toEqual(evaluations[0]);
  const report = await told(api.GET("/api/evaluations/{evaluation_id}/report", { params: { path } }));
  expect(report).toMatchObject({ evaluation: { evaluation_id }, confidence: 0.95 });
  const { badges } = await told(api.GET("/api/badges"));
  expect(badges.map((badge) => [badge.flow, badge.evaluation_id])).toEqual([["challenge", evaluation_id]]);
  expect((await told(api.GET("/api/datasets"))).datasets.map(({ name }) => name)).toEqual(["demo"]);
  const shown = await told(api.GET("/api/datasets/{name}/items", { params: { path: { name: "demo" }, query: { limit: 3 } } }));
  expect(shown.items).toHaveLength(3);
});

test("items of the evaluation are narrowed to those on which two arms differ, a page at a time", async () => {
  page();
  const evaluation_id = (await told(api.GET("/api/evaluations"))).evaluations[0]?.evaluation_id ?? "";
  const items = (query: object) =>
    told(api.GET("/api/evaluations/{evaluation_id}/items", { params: { path: { evaluation_id }, query } }));
  const [all, second] = [await items({ limit: 40 }), await items({ limit: 40, cursor: "40" })];
  expect([all.found, all.items.length, second.items.length, second.next_cursor]).toEqual([50, 40, 10, null]);
  const pair = { arm: "challenge", against: "one answer", limit: 200 };
  const better = (await items({ ...pair, only: "arm_better" })).items;
  const worse = (await items({ ...pair, only: "against_better" })).items;
  expect(better.length).toBeGreaterThan(worse.length);
  expect((await items({ ...pair, only: "differ" })).found).toBe(better.length + worse.length);
  const id = better[0]?.item.id ?? "";
  expect((await items({ q: id.toUpperCase() })).items.map(({ item }) => item.id)).toEqual([id]);
  const one = await told(api.GET("/api/evaluations/{evaluation_id}/item", { params: { path: { evaluation_id }, query: { id } } }));
  expect(new Set(one.cells.map(({ arm }) => arm)).size).toBeGreaterThan(2);
});

test("an evaluation is estimated, deleted, and not started", async () => {
  page();
  const body = { dataset: "demo", arms: [{ kind: "flow", name: "a", flow: "challenge" } as const] };
  expect((await told(api.POST("/api/evaluations/estimate", { body }))).items).toBe(600);
  const other = { ...body, limit: 20 };
  expect((await refusal(told(api.POST("/api/evaluations/estimate", { body: other })))).message).toContain("start the server");
  await expect(told(api.POST("/api/evaluations", { body }))).rejects.toThrow("start the server");
  const file = { name: "a", text: "1", kind: "auto", dataset: "demo", arms: [], columns: {}, keep: false } as const;
  await expect(told(api.POST("/api/evaluations/import/read", { body: { ...file, arms: [] } }))).rejects.toThrow("start the server");
  const evaluation_id = (await told(api.GET("/api/evaluations"))).evaluations[0]?.evaluation_id ?? "";
  await toldWith(api.DELETE("/api/evaluations/{evaluation_id}", { params: { path: { evaluation_id } } }));
  expect((await told(api.GET("/api/evaluations"))).evaluations).toEqual([]);
  expect((await told(api.GET("/api/badges"))).badges).toEqual([]);
  expect((await refusal(told(api.GET("/api/evaluations/{evaluation_id}", { params: { path: { evaluation_id } } })))).document.status).toBe(404);
});
