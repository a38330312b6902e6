// The flows of mock mode: those of the library as recorded, and what is saved, which is kept until the page is left.
import { json, missing, nothing, problem } from "./answers";
import { isoAt, type Flow, type FlowEntry, type Recording } from "./recording";

interface Version {
  number: number;
  document: Flow;
  note: string;
  autosaved: boolean;
  at: number;
}

interface Stored {
  versions: Version[];
  published: number | null;
  revision: number;
}

export class MockFlows {
  private stored = new Map<string, Stored>();

  constructor(
    private readonly recording: Recording,
    private readonly now: () => number,
  ) {}

  list(): Response {
    const recorded = this.recording.answers["GET /api/flows"] as { flows: FlowEntry[]; broken: unknown[]; next_cursor: null };
    const others = recorded.flows.filter(({ id }) => !this.stored.has(id));
    const mine = [...this.stored].map(([id, flow]) => this.entry(id, flow));
    return json({ ...recorded, flows: [...mine, ...others].sort((one, other) => one.id.localeCompare(other.id)) });
  }

  document(id: string, version: string | null): Flow | undefined {
    const flow = this.stored.get(id);
    const original = this.recording.answers[`GET /api/flows/${id}`] as Flow | undefined;
    if (flow === undefined || version === "original") return original;
    if (version === "published") return flow.versions.find(({ number }) => number === flow.published)?.document;
    if (version === null || version === "draft") return flow.versions.at(-1)?.document;
    return flow.versions.find(({ number }) => number === Number(version))?.document;
  }

  get(id: string, version: string | null): Response {
    const document = this.document(id, version);
    if (document === undefined) return missing(`There is no flow '${id}' in mock mode.`);
    return json(document, 200, this.tag(id));
  }

  create(document: Flow): Response {
    if (this.exists(document.id)) return problem(409, "conflict", `There is a flow '${document.id}' already; take another id.`);
    return this.save(document.id, document, { note: "", autosaved: false }, 201);
  }

  put(id: string, document: Flow, query: URLSearchParams, ifMatch: string | null): Response {
    const flow = this.stored.get(id);
    const stale = this.stale(flow, ifMatch);
    if (stale) return stale;
    const how = { note: query.get("note") ?? "", autosaved: query.get("autosave") === "true" };
    return this.save(id, document, how, flow === undefined ? 201 : 200);
  }

  delete(id: string, ifMatch: string | null): Response {
    const flow = this.stored.get(id);
    if (flow === undefined) return missing(`There is no stored flow '${id}'.`);
    return this.stale(flow, ifMatch) ?? (this.stored.delete(id), nothing());
  }

  duplicate(id: string, wish: { id: string; version?: string | null }): Response {
    const document = this.document(id, wish.version ?? null);
    if (document === undefined) return missing(`There is no flow '${id}' in mock mode.`);
    return this.create({ ...document, id: wish.id });
  }

  publish(id: string, version: number | null, ifMatch: string | null): Response {
    const flow = this.stored.get(id);
    if (flow === undefined) return missing(`There is no stored flow '${id}'; duplicate it first.`);
    const stale = this.stale(flow, ifMatch);
    if (stale) return stale;
    flow.published = version;
    flow.revision += 1;
    return this.edited(id, flow, 200);
  }

  rollBack(id: string, number: number, ifMatch: string | null): Response {
    const flow = this.stored.get(id);
    const found = flow?.versions.find((version) => version.number === number);
    if (flow === undefined || found === undefined) return missing(`There is no version ${number} of '${id}'.`);
    const how = { note: `version ${number} again`, autosaved: false };
    return this.stale(flow, ifMatch) ?? this.save(id, found.document, how, 200);
  }

  versions(id: string): Response {
    const flow = this.stored.get(id);
    if (flow === undefined) return missing(`There is no stored flow '${id}'.`);
    const versions = flow.versions.map((version) => this.row(version)).reverse();
    return json({ id, versions, published: flow.published, revision: flow.revision, next_cursor: null }, 200, this.tag(id));
  }

  version(id: string, number: number): Response {
    const found = this.stored.get(id)?.versions.find((version) => version.number === number);
    if (found === undefined) return missing(`There is no version ${number} of '${id}'.`);
    return json({ ...this.row(found), document: found.document });
  }

  private exists(id: string): boolean {
    return this.stored.has(id) || `GET /api/flows/${id}` in this.recording.answers;
  }

  private stale(flow: Stored | undefined, ifMatch: string | null): Response | undefined {
    if (flow === undefined || ifMatch === null || ifMatch === "*" || ifMatch === `"${flow.revision}"`) return undefined;
    return problem(412, "stale", "Somebody else has changed this flow; read it again, then change it.");
  }

  private save(id: string, document: Flow, how: { note: string; autosaved: boolean }, status: number): Response {
    const flow = this.stored.get(id) ?? { versions: [], published: null, revision: 0 };
    const last = flow.versions.at(-1);
    const number = (last?.number ?? 0) + 1;
    if (how.autosaved && last?.autosaved && last.number !== flow.published) flow.versions.pop();
    flow.versions.push({ number, document: { ...document, id }, at: this.now(), ...how });
    flow.revision += 1;
    this.stored.set(id, flow);
    return this.edited(id, flow, status);
  }

  private edited(id: string, flow: Stored, status: number): Response {
    return json({ ...this.entry(id, flow), problems: [] }, status, this.tag(id));
  }

  private tag(id: string): Record<string, string> {
    const flow = this.stored.get(id);
    return flow === undefined ? {} : { etag: `"${flow.revision}"` };
  }

  private row({ number, document, note, autosaved, at }: Version) {
    return { number, note, autosaved, created_at: isoAt(at), flow_hash: hashOf(document) };
  }

  private entry(id: string, flow: Stored): FlowEntry {
    const last = flow.versions.at(-1);
    if (last === undefined) throw new Error("a stored flow has a version");
    const { document, number, at } = last;
    const nodes = document.nodes.map((node) => ({ id: node.id, kind: node.kind, role: node.role ?? node.id }));
    const edges = document.edges?.map(({ from, to, max_rounds = null }) => ({ from, to, max_rounds })) ?? [];
    return {
      id,
      name: document.name ?? id,
      description: document.description ?? "",
      origin: "stored",
      flow_hash: hashOf(document),
      inputs: document.inputs ?? {},
      roles: [...new Set(nodes.map(({ role }) => role))],
      drawing: { nodes, edges },
      version: flow.published ?? number,
      newest: number,
      published: flow.published,
      revision: flow.revision,
      updated_at: isoAt(at),
      problem_count: 0,
    };
  }
}

/** Differs where documents differ, which is all that anybody asks of it. */
function hashOf(document: Flow): string {
  let hash = 0xcbf29ce484222325n;
  for (const letter of JSON.stringify(document)) hash = BigInt.asUintN(64, (hash ^ BigInt(letter.codePointAt(0) ?? 0)) * 0x100000001b3n);
  return hash.toString(16).padStart(64, "0");
}
