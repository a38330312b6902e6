// Folds a run's events into what there is to see of it: the twin of src/agent_lab/runs/reducer.py.

import { add, decimal, toNumber, ZERO, type Decimal } from "./decimal";
import type {
  EdgeView,
  GenerationResult,
  NodeConfig,
  NodeFinished,
  NodeView,
  RunEvent,
  RunFinished,
  RunStarted,
  RunTotals,
  RunView,
} from "./events";

const NOTHING: RunView = {
  run_id: "",
  request_id: "",
  flow_id: "",
  flow_hash: "",
  flow_version: null,
  parent_run_id: null,
  only_node: null,
  prompt: "",
  status: "queued",
  nodes: [],
  edges: [],
  answer: null,
  draft: null,
  fault: null,
  totals: { calls: 0, reused_calls: 0, prompt_tokens: 0, completion_tokens: 0, cost_usd: 0, seconds: 0 },
  created_at: null,
  finished_at: null,
  last_seq: 0,
};

/**
 * A run so far. Feed it events in their order; ask it for a view at any time.
 *
 * Views are never changed afterwards, and a node that no event has touched is the same object in the next one.
 */
export class RunFold {
  private run: RunView = NOTHING;
  private nodes = new Map<string, NodeView>();
  private costs = new Map<string, Decimal | null>();
  private edges = new Map<string, EdgeView>();
  private draftNode: string | null = null;

  /** Take in one event. Events after the end change nothing: a terminal state stays. */
  apply(event: RunEvent): void {
    if (event.type === "token" || this.run.finished_at !== null) return;
    this.run = { ...this.run, last_seq: Math.max(this.run.last_seq, event.seq) };
    switch (event.type) {
      case "run_started":
        return this.start(event);
      case "run_queued":
        return this.turn({ status: "queued" });
      case "run_admitted":
      case "run_resumed":
        return this.turn({ status: "running" });
      case "run_paused":
        return this.turn({ status: "paused" });
      case "run_waits":
        return this.turn({ status: "waiting" });
      case "node_started":
        // A node of a flow inside this one is not in the document; its first turn makes it known.
        if (!this.nodes.has(event.node)) this.nodes.set(event.node, unseen(event.node, event));
        return this.change(event.node, { status: "running", visits: event.visit, votes: [] });
      case "waiting_for_person":
        return this.change(event.node, {
          status: "waiting_for_person",
          question: event.question,
          choices: event.choices,
          default: event.default,
        });
      case "person_answered":
        return this.change(event.node, { status: "running", question: null, choices: [], default: null });
      case "vote_cast": {
        const { voter, choice, weight } = event;
        return this.change(event.node, { votes: [...this.node(event.node).votes, { voter, choice, weight }] });
      }
      case "generation_finished":
        return event.reused ? this.reuse(event.node, event.result) : this.pay(event.node, event.result);
      case "restarted":
        return this.note(event.node, [`An answer broke off and was asked for again: ${event.reason}`]);
      case "node_finished":
        return this.finishNode(event);
      case "run_finished":
        return this.finish(event);
      case "generation_started":
      case "route_taken":
        return;
      default:
        return unheardOf(event);
    }
  }

  /** The run as it stands. */
  view(): RunView {
    return {
      ...this.run,
      nodes: [...this.nodes.values()],
      edges: [...this.edges.values()],
      totals: this.totals(),
    };
  }

  private start(event: RunStarted): void {
    const { flow, request } = event;
    this.turn({
      run_id: event.run_id,
      request_id: event.request_id,
      flow_id: flow.id,
      flow_hash: event.flow_hash,
      flow_version: event.flow_version,
      parent_run_id: event.parent_run_id,
      only_node: request.only,
      prompt: request.prompt,
      status: "running",
      created_at: event.at,
    });
    this.draftNode = flow.draft;
    this.nodes = new Map(flow.nodes.map((node) => [node.id, ofFlow(node, request.options.language)]));
    this.edges = new Map(flow.edges.map(({ from, to }) => [edgeKey(from, to), edgeOf(from, to)]));
    this.costs.clear();
    for (const [id, { text, fields }] of Object.entries(request.pins)) {
      if (this.nodes.has(id)) this.change(id, { status: "pinned", text, fields });
    }
  }

  private reuse(id: string, result: GenerationResult): void {
    const { reused_calls } = this.node(id);
    this.change(id, { reused_calls: reused_calls + 1, model: result.model_key, text: result.text });
  }

  private pay(id: string, result: GenerationResult): void {
    const node = this.node(id);
    const { usage } = result;
    const cost = add(this.cost(id), usage.cost_usd === null ? null : decimal(usage.cost_usd));
    this.costs.set(id, cost);
    this.change(id, {
      calls: node.calls + 1,
      prompt_tokens: node.prompt_tokens + usage.prompt_tokens,
      tokens: node.tokens + usage.completion_tokens,
      cost_usd: toNumber(cost),
      cache_hit: result.cache_hit,
      model: result.model_key,
      text: result.text,
    });
    this.note(id, result.notes);
  }

  private note(id: string, sentences: readonly string[]): void {
    this.change(id, { notes: [...new Set([...this.node(id).notes, ...sentences])] });
  }

  private finishNode(event: NodeFinished): void {
    const node = this.node(event.node);
    this.change(event.node, {
      status: "completed",
      visits: event.visit,
      text: event.output.text,
      fields: event.output.fields,
      seconds: node.seconds + event.seconds,
    });
    for (const target of event.next) {
      const key = edgeKey(event.node, target);
      const edge = this.edges.get(key) ?? edgeOf(event.node, target);
      this.edges.set(key, { ...edge, taken: edge.taken + 1 });
    }
    if (event.node === this.draftNode && this.run.draft === null) this.turn({ draft: event.output.text });
  }

  private finish(event: RunFinished): void {
    const { status, answer, fault } = event;
    this.turn({ status, answer, fault, finished_at: event.at });
    this.run = { ...this.run, totals: { ...this.run.totals, seconds: event.seconds } };
    for (const node of this.nodes.values()) {
      this.change(node.id, { status: left(node, event), question: null, choices: [], default: null });
    }
  }

  private totals(): RunTotals {
    const nodes = [...this.nodes.values()];
    const sum = (count: (node: NodeView) => number): number => nodes.reduce((total, node) => total + count(node), 0);
    return {
      calls: sum((node) => node.calls),
      reused_calls: sum((node) => node.reused_calls),
      prompt_tokens: sum((node) => node.prompt_tokens),
      completion_tokens: sum((node) => node.tokens),
      cost_usd: toNumber(nodes.reduce<Decimal | null>((total, node) => add(total, this.cost(node.id)), ZERO)),
      seconds: this.run.totals.seconds,
    };
  }

  private cost(id: string): Decimal | null {
    const known = this.costs.get(id);
    return known === undefined ? ZERO : known;
  }

  private turn(changes: Partial<RunView>): void {
    this.run = { ...this.run, ...changes };
  }

  private change(id: string, changes: Partial<NodeView>): void {
    this.nodes.set(id, { ...this.node(id), ...changes });
  }

  private node(id: string): NodeView {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`The run has no node ${JSON.stringify(id)}: an event is missing.`);
    return node;
  }
}

/** The view that these events add up to. */
export function fold(events: Iterable<RunEvent>): RunView {
  const run = new RunFold();
  for (const event of events) run.apply(event);
  return run.view();
}

function unseen(id: string, { kind, label, role }: { kind: string; label: string; role: string }): NodeView {
  return {
    id,
    kind,
    label,
    role,
    status: "waiting",
    visits: 0,
    text: "",
    fields: {},
    seconds: 0,
    calls: 0,
    reused_calls: 0,
    prompt_tokens: 0,
    tokens: 0,
    // A node that asked no model has no cost, rather than a cost of nothing.
    cost_usd: null,
    cache_hit: null,
    model: null,
    notes: [],
    question: null,
    choices: [],
    default: null,
    votes: [],
  };
}

function ofFlow(node: NodeConfig, language: string): NodeView {
  const label = inLanguage(node.label, language) || node.id;
  return unseen(node.id, { kind: node.kind, label, role: node.role || node.id });
}

/** The text in that language, else in English, else in whichever there is. */
function inLanguage(text: NodeConfig["label"], language: string): string {
  if (typeof text === "string") return text;
  return text[language] || text["en"] || (Object.values(text)[0] ?? "");
}

/** How a node stands once the run has ended. */
function left(node: NodeView, { fault }: RunFinished): NodeView["status"] {
  if (node.status === "waiting") return "skipped";
  if (node.status !== "running" && node.status !== "waiting_for_person") return node.status;
  return fault !== null && standsWithin(fault.node, node.id) ? "failed" : "skipped";
}

/** Whether a fault is the node's own or that of one within it (`each[2]/creator` within `each`), or nobody's. */
function standsWithin(blamed: string | null, node: string): boolean {
  return blamed === null || (blamed.startsWith(node) && ["", "/", "[", "~"].includes(blamed.charAt(node.length)));
}

function edgeKey(source: string, target: string): string {
  return `${source} ${target}`;
}

function edgeOf(source: string, target: string): EdgeView {
  return { source, target, taken: 0 };
}

function unheardOf(event: never): never {
  throw new Error(`There is no such event here: ${JSON.stringify(event)}. Load the page anew.`);
}
