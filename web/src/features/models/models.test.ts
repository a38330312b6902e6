import { describe, expect, it } from "vitest";
import type { Model } from "@/shared/api/endpoints";
import { BLANK, grouped, numberIn, whyRequest, wrongIn } from "./asked";
import { shareOf } from "./loading";
import { pinnedIn, without, type Cache, type Resident } from "./memory";
import { priceWords } from "./price";
import { matching, providersOf, sorted, standingOf } from "./registry";
import { devicesOf, gbOn, hitRatio, splitOf } from "./shares";

const MODEL: Model = {
  key: "demo",
  name: "Demonstration",
  family: "agent-lab",
  provider: "local",
  model_id: "builtin:demo",
  revision: null,
  base: null,
  context_window: 1024,
  fallbacks: [],
  split: {},
  default_strategy: "standard",
  capabilities: ["chat", "math"],
  cost_profile: null,
  price: null,
  min_vram_gb: 0,
  demonstration: false,
  residency: null,
  loaded: false,
  pinned: false,
  loading: null,
  on_disk: true,
  usable: true,
  why_not: null,
};
const RESIDENT: Resident = {
  model_key: "demo",
  strategy: "standard",
  size_gb: 2,
  loaded_at: "2026-11-21T09:00:00Z",
  last_used_at: "2026-11-21T09:00:00Z",
  hits: 3,
  in_use: 0,
  device: "cpu",
  pinned: false,
  worker_pid: null,
  adapters: [],
  notes: [],
};
const DEVICE = { name: "cuda:0", total_gb: 20, available_gb: 10, limit_gb: 16, used_by_models_gb: 6 };
const CACHE: Cache = {
  models: [RESIDENT, { ...RESIDENT, model_key: "busy", in_use: 1 }],
  loading: [],
  counts: { hits: 3, loads: 1, load_s: 1, evictions: 0, refused: 0, lost: 0, waiting: 0 },
  memory: { ...DEVICE, device: "cuda:0", memory: "vram", devices: [] },
};
const model = (more: Partial<Model>): Model => ({ ...MODEL, ...more });
const LOADING = { model_key: "demo", stage: "loading", done_bytes: 1, total_bytes: 4, elapsed_s: 1, seconds_left: null } as const;

describe("how a model stands", () => {
  it("is what presses most", () => {
    expect(standingOf(model({ loaded: true }), null, true)).toBe("loading");
    expect(standingOf(model({ loading: LOADING }), null, false)).toBe("loading");
    expect(standingOf(model({ loaded: true }), null, false)).toBe("in_memory");
    expect(standingOf(model({ usable: false }), "open", false)).toBe("not_usable");
    expect(standingOf(model({}), "open", false)).toBe("left_alone");
    expect(standingOf(model({}), "half-open", false)).toBe("ready");
    expect(standingOf(model({ on_disk: false }), "closed", false)).toBe("to_fetch");
    expect(standingOf(model({ on_disk: null }), null, false)).toBe("ready");
  });

  it("orders the registry: what is at hand first, else as the files have it", () => {
    const models = [model({ key: "c", usable: false }), model({ key: "b", on_disk: false }), model({ key: "x" }), model({ key: "a", loaded: true })];
    expect(sorted(models).map(({ key }) => key)).toEqual(["a", "x", "b", "c"]);
  });
});

describe("the registry", () => {
  const models = [model({}), model({ key: "gpt", provider: "openai", usable: false, capabilities: ["chat", "vision"] })];
  const keys = (filter: Partial<Parameters<typeof matching>[1]>) =>
    matching(models, { words: "", provider: "", shown: "all", ...filter }).map(({ key }) => key);

  it("is searched by every word in whatever a row says", () => {
    expect(keys({ words: "OPENAI vision" })).toEqual(["gpt"]);
    expect(keys({ words: "openai math" })).toEqual([]);
    expect(keys({ words: "  " })).toEqual(["demo", "gpt"]);
  });

  it("is narrowed by provider and state", () => {
    expect(keys({ provider: "local" })).toEqual(["demo"]);
    expect(keys({ shown: "usable" })).toEqual(["demo"]);
    expect(keys({ shown: "in_memory" })).toEqual([]);
    expect(providersOf(models)).toEqual(["local", "openai"]);
  });
});

describe("a price", () => {
  const usd = (amount: number) => `$${amount}`;
  const say = (more: Partial<Model>) => priceWords(model(more), usd, (key) => key);

  it("is told, free, not known, or none", () => {
    const price = { input_usd_per_mtok: 1, output_usd_per_mtok: 2 };
    expect(say({ price })).toBe("$1 / $2");
    expect(say({ price: { input_usd_per_mtok: 0, output_usd_per_mtok: 0 } })).toBe("free");
    expect(say({ provider: "openai" })).toBe("price_unknown");
    expect(say({})).toBe("–");
    expect(say({ provider: "split", split: { demo: 1 } })).toBe("–");
  });
});

describe("memory", () => {
  it("is split among models, others and what is free, by the device that each is on", () => {
    const spread = { ...RESIDENT, model_key: "big", size_gb: 8, device: "cuda:0+cuda:1" };
    const models = [{ ...RESIDENT, device: "cuda:0" }, spread, RESIDENT];
    expect(gbOn(spread, "cuda:1")).toBe(4);
    const { shares, othersTo, limit } = splitOf(DEVICE, models);
    expect(shares.map(({ model: { model_key: key }, from, to }) => [key, from, to])).toEqual([
      ["demo", 0, 0.1],
      ["big", 0.1, expect.closeTo(0.3)],
    ]);
    expect(othersTo).toBeCloseTo(0.5);
    expect(limit).toBe(0.8);
  });

  it("never grows past its device", () => {
    const { shares, othersTo } = splitOf({ ...DEVICE, total_gb: 0 }, [{ ...RESIDENT, device: "cuda:0" }]);
    expect(shares[0]?.to).toBe(1);
    expect(othersTo).toBe(1);
  });

  it("is one device where none is told apart", () => {
    expect(devicesOf(CACHE).map(({ name }) => name)).toEqual(["cuda:0"]);
  });

  it("changes before the server says so: what is in use stays, what is pinned is told", () => {
    expect(without(CACHE, ({ in_use }) => in_use === 0).models.map(({ model_key: key }) => key)).toEqual(["busy"]);
    expect(pinnedIn(CACHE, "demo", true).models.map(({ pinned }) => pinned)).toEqual([true, false]);
    expect(CACHE.models[0]?.pinned).toBe(false);
  });

  it("is hit or missed", () => {
    expect(hitRatio(CACHE)).toBe(0.75);
    expect(hitRatio({ ...CACHE, counts: { ...CACHE.counts, hits: 0, loads: 0 } })).toBeNull();
  });

  it("tells a load's part once it is known", () => {
    expect(shareOf(LOADING)).toBe(0.25);
    expect(shareOf({ ...LOADING, total_bytes: null })).toBeNull();
    expect(shareOf({ ...LOADING, done_bytes: 9 })).toBe(1);
    expect(shareOf(null)).toBeNull();
  });
});

describe("a question about the choice", () => {
  it("takes numbers with a comma or a point, and nothing", () => {
    expect([numberIn("1,5"), numberIn(" 2.5 "), numberIn(""), numberIn("x")]).toEqual([1.5, 2.5, null, undefined]);
  });

  it("says which bounds are none", () => {
    expect([...wrongIn({ ...BLANK, max_usd: "0", max_seconds: "0", max_gb: "-1", max_tokens: "1.5" })]).toEqual([
      "max_seconds",
      "max_gb",
      "max_tokens",
    ]);
    expect(wrongIn(BLANK).size).toBe(0);
  });

  it("leaves out what was not said", () => {
    expect(whyRequest({ ...BLANK, max_usd: "0,01", model: "demo" })).toEqual({
      prompt: "?",
      model_key: "demo",
      task_type: null,
      constraints: { cost_budget_usd: 0.01, latency_budget_s: null, max_vram_gb: null, max_tokens: null },
    });
  });

  it("is answered with those together that follow each other for the same reason", () => {
    const told = (key: string, reason: string, taken = false) => ({ key, reason, taken });
    const groups = grouped([told("a", "x", true), told("b", "x"), told("c", "x"), told("d", "y"), told("e", "x")]);
    expect(groups.map(({ from, keys }) => [from, keys])).toEqual([
      [1, ["a"]],
      [2, ["b", "c"]],
      [4, ["d"]],
      [5, ["e"]],
    ]);
  });
});
