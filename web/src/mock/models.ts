// The models of mock mode: the registry as recorded, of which the one in memory can be put out, taken in and pinned.
import { json, missing, problem, unknown } from "./answers";
import { isoAt, type CachedModel, type Recording } from "./recording";

interface ModelRow {
  key: string;
  loaded: boolean;
  pinned: boolean;
}

interface Cache {
  models: CachedModel[];
}

export class MockModels {
  private inMemory: CachedModel[];

  constructor(
    private readonly recording: Recording,
    private readonly now: () => number,
  ) {
    this.inMemory = [...this.cache.models];
  }

  list(): Response {
    return json({ ...this.registry, models: this.registry.models.map((row) => this.row(row)) });
  }

  get(key: string): Response {
    const found = this.registry.models.find((row) => row.key === key);
    return found === undefined ? missing(`There is no model '${key}'.`) : json(this.row(found));
  }

  memory(): Response {
    return json({ ...this.cache, models: this.inMemory });
  }

  load(key: string, asStream: boolean): Response {
    const recorded = this.cache.models.find((model) => model.model_key === key);
    if (recorded === undefined) {
      const keys = this.cache.models.map((model) => model.model_key).join(", ");
      return unknown(`Mock mode has recorded no load of '${key}'; put ${keys} out of memory and load it again.`);
    }
    const model = this.find(key) ?? { ...recorded, pinned: false, hits: 0, loaded_at: isoAt(this.now()), last_used_at: isoAt(this.now()) };
    if (this.find(key) === undefined) this.inMemory.push(model);
    if (!asStream) return json(model);
    const body = `event: ready\ndata: ${JSON.stringify(model)}\n\n`;
    return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  }

  pin(key: string, pinned: boolean): Response {
    const model = this.find(key);
    if (model === undefined) return missing(`'${key}' is not in memory; load it first.`);
    this.inMemory = this.inMemory.map((one) => (one === model ? { ...one, pinned } : one));
    return json(this.find(key));
  }

  unload(key: string): Response {
    const model = this.find(key);
    if (model === undefined) return missing(`'${key}' is not in memory.`);
    if (model.in_use > 0) return problem(409, "conflict", `'${key}' is answering; wait until it has.`);
    this.inMemory = this.inMemory.filter((one) => one !== model);
    return json({ unloaded: [key] });
  }

  clear(): Response {
    const idle = this.inMemory.filter((model) => model.in_use === 0);
    this.inMemory = this.inMemory.filter((model) => !idle.includes(model));
    return json({ unloaded: idle.map((model) => model.model_key) });
  }

  private get registry(): { models: ModelRow[] } {
    return this.recording.answers["GET /models"] as { models: ModelRow[] };
  }

  private get cache(): Cache {
    return this.recording.answers["GET /cache"] as Cache;
  }

  private find(key: string): CachedModel | undefined {
    return this.inMemory.find((model) => model.model_key === key);
  }

  private row(row: ModelRow): ModelRow {
    const model = this.find(row.key);
    return { ...row, loaded: model !== undefined, pinned: model?.pinned ?? false };
  }
}
