// Answers in the server's place, from what was recorded of it (mock mode): the same paths, the same forms, no network.
import { problem, json, unknown } from "./answers";
import { MockEvaluations } from "./evaluations";
import { MockFlows } from "./flows";
import { MockModels } from "./models";
import { movedTo, type Flow, type Recording } from "./recording";
import { MockRuns } from "./runs";
import type { Clock } from "./stream";

interface Asked {
  readonly request: Request;
  readonly query: URLSearchParams;
  readonly ifMatch: string | null;
  /** The parts of the path that the route leaves open. */
  readonly parts: readonly string[];
}

type Route = readonly [form: RegExp, answer: (asked: Asked) => Response | Promise<Response>];

const ANSWER_MS = 600;

export class MockServer {
  private readonly recording: Recording;
  private readonly routes: readonly Route[];

  constructor(
    recorded: Recording,
    private readonly clock: Clock,
  ) {
    this.recording = movedTo(recorded, clock.now());
    const now = () => clock.now();
    const flows = new MockFlows(this.recording, now);
    const models = new MockModels(this.recording, now);
    this.routes = [
      ...this.routesOfRuns(new MockRuns(this.recording, clock), flows),
      ...routesOfFlows(flows),
      ...routesOfModels(models),
      ...routesOfEvaluations(new MockEvaluations(this.recording)),
      [/^POST \/models\/why$/, () => this.recorded("POST /models/why")],
      [/^POST \/api\/v1\/execute$/, () => this.later(ANSWER_MS, () => this.recorded("POST /api/v1/execute"))],
      [/^POST \/api\/flows\/validate$/, (asked) => this.validate(asked.request)],
    ];
  }

  /** `fetch`, answered in the page. */
  readonly fetch = async (asked: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(asked instanceof Request ? asked : new URL(asked, "http://mock.invalid"), init);
    const url = new URL(request.url);
    const name = `${request.method} ${url.pathname}`;
    const ifMatch = request.headers.get("if-match");
    // After a turn of the event loop: an answer that is there at once is something no server gives.
    await this.later(0, () => undefined);
    request.signal.throwIfAborted();
    for (const [form, answer] of this.routes) {
      const found = form.exec(name);
      if (found) return answer({ request, query: url.searchParams, ifMatch, parts: found.slice(1).map((part?: string) => decodeURIComponent(part ?? "")) });
    }
    return this.recorded(name, url.search);
  };

  private recorded(name: string, search = ""): Response {
    const { answers } = this.recording;
    const found = answers[name + search] ?? answers[name] ?? this.withOtherQuestion(name);
    return found === undefined ? unknown(`Mock mode has no recorded answer to ${name}; start the server for it.`) : json(found);
  }

  /** Spending of 30 days is a good answer to one of 7; a range of the history is not that of another. */
  private withOtherQuestion(name: string): unknown {
    const other = Object.keys(this.recording.answers).find((key) => key.startsWith(`${name}?`) && !key.includes("range="));
    return other === undefined ? undefined : this.recording.answers[other];
  }

  private routesOfRuns(runs: MockRuns, flows: MockFlows): Route[] {
    return [
      [/^GET \/api\/runs$/, ({ query }) => runs.list(query)],
      [/^POST \/api\/runs$/, async ({ request }) => runs.start(await request.json(), request.headers.get("idempotency-key"))],
      [/^POST \/api\/runs\/estimate$/, ({ request }) => this.estimate(request, flows)],
      [/^(\w+) \/api\/runs\/([^/]+)(?:\/(.*))?$/, ({ request, parts: [method, id = "", what = ""] }) => runs.one(id, `${method} ${what}`, request)],
    ];
  }

  private async estimate(request: Request, flows: MockFlows): Promise<Response> {
    const { flow } = (await request.json()) as { flow: string };
    const [id = "", version = null] = flow.split("@");
    const found = this.recording.answers[`POST /api/runs/estimate ${id}`];
    if (found !== undefined) return json(found);
    if (flows.document(id, version) !== undefined) return unknown("Mock mode cannot tell what a flow of your own takes; start the server for it.");
    return problem(404, "not-found", `There is no flow '${id}' in mock mode.`);
  }

  /** The verdict on a document that differs from a recorded one in nothing that is checked. */
  private async validate(request: Request): Promise<Response> {
    const asked = checked((await request.json()) as Flow);
    for (const [name, answer] of Object.entries(this.recording.answers)) {
      const id = /^POST \/api\/flows\/validate (.+)$/.exec(name)?.[1];
      if (id && checked(this.recording.answers[`GET /api/flows/${id}`] as Flow) === asked) return json(answer);
    }
    return unknown("Mock mode does not check flows that were changed; start the server for it.");
  }

  private later<T>(ms: number, then: () => T): Promise<T> {
    return new Promise((resolve) => void this.clock.after(ms, () => resolve(then())));
  }
}

function routesOfEvaluations(evaluations: MockEvaluations): Route[] {
  const at = "/api/evaluations";
  return [
    [new RegExp(`^GET ${at}$`), () => evaluations.list()],
    [new RegExp(`^POST ${at}/estimate$`), async ({ request }) => evaluations.estimate(await request.json())],
    [new RegExp(`^POST ${at}(/import(/read)?)?$`), () => unknown("Mock mode evaluates nothing; start the server for it.")],
    [
      new RegExp(`^(\\w+) ${at}/([^/]+)(?:/(.*))?$`),
      ({ query, parts: [method, id = "", what = ""] }) => evaluations.one(id, `${method} ${what}`, query),
    ],
    [/^GET \/api\/badges$/, () => evaluations.badges()],
  ];
}

function routesOfFlows(flows: MockFlows): Route[] {
  const at = "/api/flows/([^/]+)";
  return [
    [/^GET \/api\/flows$/, () => flows.list()],
    [/^POST \/api\/flows$/, async ({ request }) => flows.create(await request.json())],
    [/^POST \/api\/flows\/import$/, async ({ request }) => flows.create(await request.json())],
    [new RegExp(`^GET ${at}$`), ({ parts: [id = ""], query }) => flows.get(id, query.get("version"))],
    [new RegExp(`^GET ${at}/export$`), ({ parts: [id = ""], query }) => flows.get(id, query.get("version"))],
    [new RegExp(`^PUT ${at}$`), async ({ parts: [id = ""], request, query, ifMatch }) => flows.put(id, await request.json(), query, ifMatch)],
    [new RegExp(`^DELETE ${at}$`), ({ parts: [id = ""], ifMatch }) => flows.delete(id, ifMatch)],
    [new RegExp(`^POST ${at}/duplicate$`), async ({ parts: [id = ""], request }) => flows.duplicate(id, await request.json())],
    [new RegExp(`^POST ${at}/publish$`), async ({ parts: [id = ""], request, ifMatch }) => flows.publish(id, (await request.json()).version, ifMatch)],
    [new RegExp(`^POST ${at}/rollback$`), async ({ parts: [id = ""], request, ifMatch }) => flows.rollBack(id, (await request.json()).version, ifMatch)],
    [new RegExp(`^GET ${at}/versions$`), ({ parts: [id = ""] }) => flows.versions(id)],
    [new RegExp(`^GET ${at}/versions/(\\d+)$`), ({ parts: [id = "", number] }) => flows.version(id, Number(number))],
  ];
}

function routesOfModels(models: MockModels): Route[] {
  const at = "/models/([^/]+)";
  const isStream = (request: Request) => (request.headers.get("accept") ?? "").includes("text/event-stream");
  return [
    [/^GET \/models$/, () => models.list()],
    [new RegExp(`^GET ${at}$`), ({ parts: [key = ""] }) => models.get(key)],
    [new RegExp(`^POST ${at}/load$`), ({ parts: [key = ""], request }) => models.load(key, isStream(request))],
    [new RegExp(`^(PUT|DELETE) ${at}/pin$`), ({ parts: [method, key = ""] }) => models.pin(key, method === "PUT")],
    [/^GET \/cache$/, () => models.memory()],
    [/^POST \/cache\/clear$/, () => models.clear()],
    [/^DELETE \/cache\/([^/]+)$/, ({ parts: [key = ""] }) => models.unload(key)],
  ];
}

/** What the checks look at: all but names and places on the canvas. */
function checked({ nodes, edges, inputs, limits, answer, draft }: Flow): string {
  return JSON.stringify([nodes, edges ?? [], inputs ?? {}, limits ?? {}, answer ?? null, draft ?? null]);
}
