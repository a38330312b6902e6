// The runs of mock mode: those that were recorded, and new ones that tell a recorded one once more.
import type { RunEvent, RunStarted } from "@/run/events";
import type { components } from "@/shared/api/schema";
import { json, missing, problem, unknown } from "./answers";
import { runId, v4 } from "./ids";
import type { Recording, RunInfo } from "./recording";
import { replayed } from "./schedule";
import { MockRun } from "./run";
import { streamOf, type Clock } from "./stream";

type Schemas = components["schemas"];

export class MockRuns {
  private runs = new Map<string, MockRun>();
  private keys = new Map<string, string>();

  constructor(
    private readonly recording: Recording,
    private readonly clock: Clock,
  ) {
    for (const events of recording.runs) {
      const [first] = events;
      if (first?.type !== "run_started") continue;
      this.runs.set(first.run_id, new MockRun(first.run_id, first.run_id, events, Date.parse(first.at)));
    }
  }

  list(query: URLSearchParams): Response {
    const limit = Number(query.get("limit") ?? 50);
    const rows = [...this.runs.values()].map((run) => ({ run, info: run.info(this.now) }));
    const found = rows.filter(({ run, info }) => passes(query, run, info, this.now)).map(({ info }) => info);
    found.sort((one, other) => other.created_at.localeCompare(one.created_at) || other.run_id.localeCompare(one.run_id));
    const begins = found.findIndex(({ run_id }) => run_id === query.get("cursor")) + 1;
    const runs = found.slice(begins, begins + limit);
    return json({ runs, next_cursor: begins + limit < found.length ? (runs.at(-1)?.run_id ?? null) : null });
  }

  start(request: Schemas["RunRequest"], key: string | null): Response {
    const known = key === null ? undefined : this.runs.get(this.keys.get(key) ?? "");
    if (known !== undefined) return this.accepted(known);
    if (request.only) return unknown("Mock mode has no recorded run of one node alone; start the server to run one.");
    const [flow = ""] = request.flow.split("@");
    const source = this.recorded(flow);
    if (source === undefined) {
      const flows = [...new Set(this.recording.runs.map((events) => started(events)?.flow.id))].join(", ");
      return unknown(`Mock mode has no recorded run of '${flow}'; choose one of ${flows}.`);
    }
    const run = this.replay(source, { request: { ...started(source)!.request, prompt: request.prompt }, parent_run_id: null });
    if (key !== null) this.keys.set(key, run.id);
    return this.accepted(run);
  }

  /** What is asked of one run: `GET beginning`, `POST cancel`, ... */
  async one(id: string, asked: string, request: Request): Promise<Response> {
    const run = this.runs.get(id);
    if (run === undefined) return missing(`There is no run '${id}' in mock mode; new ones are gone once the page is loaded anew.`);
    if (asked === "GET ") return json(run.view(this.now));
    if (asked === "GET beginning") return json(beginning(run));
    if (asked === "GET events") return this.events(run, request);
    if (asked === "GET alternatives" || asked.startsWith("GET compare/")) return this.told(run, asked);
    if (asked === "POST fork/preview") return this.preview(run, await request.json());
    if (asked === "POST fork") return this.fork(run);
    if (asked === "POST retry") return this.retry(run);
    if (asked === "POST answer") return this.answer(run, await request.json());
    if (asked === "POST cancel" || asked === "POST pause" || asked === "POST resume") return this.steer(run, asked.slice(5));
    return unknown(`Mock mode has no recorded answer to '${asked}' of a run.`);
  }

  private get now(): number {
    return this.clock.now();
  }

  private accepted(run: MockRun): Response {
    return json(run.info(this.now), 202, { location: `/api/runs/${run.id}` });
  }

  private recorded(flow: string): readonly RunEvent[] | undefined {
    const ofFlow = this.recording.runs.filter((events) => started(events)?.flow.id === flow);
    return ofFlow.find((events) => started(events)?.parent_run_id === null) ?? ofFlow[0];
  }

  private replay(source: readonly RunEvent[], change: Partial<RunStarted>): MockRun {
    const id = runId(this.now);
    const events = replayed(source, { run_id: id, request_id: v4(), ...change });
    const run = new MockRun(id, started(source)?.run_id ?? id, events, this.now);
    this.runs.set(id, run);
    return run;
  }

  private events(run: MockRun, request: Request): Response {
    const after = request.headers.get("last-event-id") ?? new URL(request.url).searchParams.get("after") ?? 0;
    return streamOf(run, Number(after), this.clock, request.signal);
  }

  /** What was recorded of the run that it tells once more, under its own name. */
  private told(run: MockRun, asked: string): Response {
    const other = this.runs.get(asked.replace("GET compare/", ""));
    const path = other === undefined ? asked.slice(4) : `compare/${other.source}`;
    const found = this.recording.answers[`GET /api/runs/${run.source}/${path}`];
    if (found === undefined) return unknown("Mock mode has not recorded this comparison; choose other runs, or start the server.");
    return json(renamed(renamed(found, run), other));
  }

  private preview(run: MockRun, wish: Schemas["ForkRequest"]): Response {
    const name = `POST /api/runs/${run.source}/fork/preview ${wish.from_node ?? Object.keys(wish.nodes ?? {})[0] ?? ""}`.trim();
    const found = this.recording.answers[name];
    if (found === undefined) return problem(409, "conflict", "Only a run that has ended can be forked.");
    return json(renamed(found, run));
  }

  private fork(run: MockRun): Response {
    const source = this.recording.runs.find((events) => started(events)?.parent_run_id === run.source);
    if (source === undefined) return unknown("Mock mode has no recorded fork of this run; start the server to make one.");
    return this.accepted(this.replay(source, { parent_run_id: run.id }));
  }

  private retry(run: MockRun): Response {
    const source = this.recording.runs.find((events) => started(events)?.run_id === run.source);
    if (source === undefined || !run.hasEnded(this.now)) return problem(409, "conflict", "This run has not ended.");
    return this.accepted(this.replay(source, { parent_run_id: run.id, request: run.started.request }));
  }

  private answer(run: MockRun, { text }: Schemas["PersonsAnswer"]): Response {
    if (run.view(this.now).status !== "waiting") return problem(409, "conflict", "This run does not wait for an answer.");
    const tail = this.recording.tails[run.source]?.[text.trim().toLowerCase()];
    if (tail === undefined) return problem(422, "invalid-request", "Answer with one of the choices.");
    run.answer(this.now, tail);
    return this.accepted(run);
  }

  private async steer(run: MockRun, what: string): Promise<Response> {
    const { status } = run.view(this.now);
    if (run.hasEnded(this.now)) return problem(409, "conflict", `This run has ended: ${status}.`);
    if (what === "cancel") run.cancel(this.now);
    if (what === "pause" && status === "running") await this.until(run.pause(this.now));
    if (what === "resume" && status === "paused") run.resume(this.now);
    return json(run.info(this.now), what === "resume" ? 202 : 200);
  }

  private until(at: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(Math.max(0, at - this.now), resolve));
  }
}

function started(events: readonly RunEvent[]): RunStarted | undefined {
  const [first] = events;
  return first?.type === "run_started" ? first : undefined;
}

function beginning(run: MockRun): Schemas["RunBeginning"] {
  const { run_id, flow, flow_hash, flow_version, request, parent_run_id, from_node } = run.started;
  return { run_id, flow, flow_hash, flow_version, request, parent_run_id, from_node } as unknown as Schemas["RunBeginning"];
}

function renamed(answer: unknown, run: MockRun | undefined): unknown {
  if (run === undefined || run.id === run.source) return answer;
  return JSON.parse(JSON.stringify(answer).replaceAll(run.source, run.id));
}

/** Whether a row is one of those that are asked for. */
function passes(query: URLSearchParams, run: MockRun, info: RunInfo, now: number): boolean {
  const is = (name: string, value: string | null | undefined) => query.get(name) === null || query.get(name) === value;
  const model = query.get("model");
  return (
    is("flow", info.flow_id) &&
    is("status", info.status) &&
    is("parent", info.parent_run_id) &&
    is("caller", info.caller) &&
    is("trial", String(info.only_node !== null)) &&
    info.prompt.toLowerCase().includes((query.get("q") ?? "").toLowerCase()) &&
    lies(query, info) &&
    (model === null || run.view(now).nodes.some((node) => node.model === model))
  );
}

/** Whether its beginning and its cost are within what is asked for. */
function lies(query: URLSearchParams, { created_at, cost_usd }: RunInfo): boolean {
  const bound = (name: string, otherwise: number) => (query.has(name) ? Number(query.get(name)) : otherwise);
  const moment = (name: string, otherwise: number) => (query.has(name) ? Date.parse(query.get(name) ?? "") : otherwise);
  const began = Date.parse(created_at);
  const cost = cost_usd ?? 0;
  return began >= moment("since", -Infinity) && began < moment("until", Infinity) && cost >= bound("cost_from", 0) && cost <= bound("cost_to", Infinity);
}
