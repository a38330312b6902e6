// What a run says, and what it adds up to, as the API sends them.
// Made by scripts/make_types.py from src/agent_lab/contracts: do not edit; `make generate` makes it anew.

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export type RunEvent =
  | RunStarted
  | RunQueued
  | RunAdmitted
  | RunPaused
  | RunWaits
  | RunResumed
  | NodeStarted
  | WaitingForPerson
  | PersonAnswered
  | VoteCast
  | GenerationStarted
  | Token
  | GenerationRestarted
  | GenerationFinished
  | RouteTaken
  | NodeFinished
  | RunFinished;

/** One try at one provider. `outcome`: ok, or the slug of what went wrong. */
export interface Attempt {
  provider: string;
  model: string;
  outcome: string;
  seconds: number;
  model_key: string;
}

/** What the answer may cost. None sets no bound. */
export interface Constraints {
  max_vram_gb: number | null;
  max_tokens: number | null;
  latency_budget_s: number | null;
  cost_budget_usd: number | null;
}

/** What the model knows beside the prompt. */
export interface Context {
  system: string | null;
  history: readonly Message[];
  role: string | null;
  turns: readonly Message[];
}

/**
 * From one node to the next, always or under a condition.
 *
 * Of a node's outgoing edges those without a condition are taken, and those whose condition holds; an edge with
 * `otherwise` is taken where none of the conditional ones was. An edge back must have `max_rounds`: how often it
 * may be taken at the most; after that it counts as not holding.
 */
export interface EdgeConfig {
  from: string;
  to: string;
  when: Predicate | null;
  otherwise: boolean;
  max_rounds: number | null;
}

/** An edge, and how often it was taken. */
export interface EdgeView {
  source: string;
  target: string;
  taken: number;
}

/** What a test case asks of its run: a closed comparison, as an edge's. */
export interface Expectation {
  value: string;
  op: "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "contains";
  than: JsonValue;
}

/** Why a run ended without an answer: the error's slug, its sentence, and the node where one is to blame. */
export interface Fault {
  type: string;
  message: string;
  node: string | null;
  said: Told | null;
}

/** A test that a flow carries with it. */
export interface FlowCase {
  name: string;
  prompt: string;
  inputs: Record<string, string>;
  language: "en" | "es";
  answers: Record<string, string | readonly string[]> | null;
  people: Record<string, string>;
  expect: readonly Expectation[];
}

/** A flow: nodes without an incoming edge start, nodes without an outgoing edge end. */
export interface FlowConfig {
  id: string;
  name: string | Record<string, string>;
  description: string | Record<string, string>;
  inputs: Record<string, FlowInput>;
  nodes: readonly NodeConfig[];
  edges: readonly EdgeConfig[];
  limits: FlowLimits;
  answer: string | null;
  draft: string | null;
  tests: readonly FlowCase[];
  layout: Record<string, Position>;
  notes: Record<string, FlowNote>;
}

/** A value that a run is started with. */
export interface FlowInput {
  description: string | Record<string, string>;
  default: string | null;
}

/** Past one of these a run ends as `limit_exceeded`, with all that it had. Those of its subflows do not count. */
export interface FlowLimits {
  max_steps: number;
  max_cost_usd: number | null;
  max_tokens: number | null;
  timeout_s: number;
  max_parallel: number;
}

/** What somebody wrote on the canvas, for whoever reads the flow; Markdown. */
export interface FlowNote {
  text: string;
  x: number;
  y: number;
  width: number;
  height: number;
  tone: "plain" | "accent" | "warn";
}

/** A model has answered. With (node, visit, sample, request_hash) this is the record that a replay reads. */
export interface GenerationFinished {
  seq: number;
  at: string;
  type: "generation_finished";
  node: string;
  visit: number;
  sample: number;
  request_hash: string;
  result: GenerationResult;
  reused: boolean;
}

/**
 * A question to a model. What is None is taken from the strategy, the model's row and the settings.
 *
 * The prompt is the user's last turn. It is empty only where the history ends with another kind of turn: what a tool
 * said, a picture, or the beginning of the answer.
 */
export interface GenerationRequest {
  prompt: string;
  model_key: string | null;
  strategy: string | null;
  max_tokens: number | null;
  temperature: number | null;
  task_type: string | null;
  context: Context;
  constraints: Constraints;
  top_p: number | null;
  stop: readonly string[];
  seed: number | null;
  response_schema: Record<string, JsonValue> | null;
  tools: readonly Tool[];
  tool_choice: string | null;
  extra: Record<string, JsonValue>;
  extra_protocol: "openai" | "anthropic" | null;
}

/** An answer broke off, and is asked for again from the start: its tokens so far are void. */
export interface GenerationRestarted {
  seq: number;
  at: string;
  type: "restarted";
  node: string;
  visit: number;
  sample: number;
  reason: string;
}

/** The answer, and what it took. */
export interface GenerationResult {
  text: string;
  tokens_generated: number;
  timings: Timings;
  usage: Usage;
  source: string;
  cache_hit: boolean;
  model_key: string;
  model_resolved: string;
  asked_key: string;
  strategy: string;
  finish_reason: "stop" | "length" | "tool_calls" | "declined" | "filtered";
  tool_calls: readonly ToolCall[];
  attempts: readonly Attempt[];
  notes: readonly string[];
}

/** A model is being asked. */
export interface GenerationStarted {
  seq: number;
  at: string;
  type: "generation_started";
  node: string;
  visit: number;
  sample: number;
  request_hash: string;
  request: GenerationRequest;
}

/** A picture for models that see: a `data:` URL, or an address that the vendor (never this product) reads. */
export interface Image {
  url: string;
  detail: string | null;
}

/** One turn of a conversation. */
export interface Message {
  role: string;
  content: string;
  images: readonly Image[];
  tool_calls: readonly ToolCall[];
  tool_call_id: string | null;
}

/** A node: its name, its kind, and beside them what its kind takes (checked by the kind's own model). */
export interface NodeConfig {
  id: string;
  kind: string;
  label: string | Record<string, string>;
  role: string | null;
  [setting: string]: JsonValue;
}

/** A node is done: its output, and where the run goes next. */
export interface NodeFinished {
  seq: number;
  at: string;
  type: "node_finished";
  node: string;
  visit: number;
  output: NodeOutput;
  next: readonly string[];
  seconds: number;
  reused: boolean;
}

/** What a node leaves: a text, and the fields that its kind declares. */
export interface NodeOutput {
  text: string;
  fields: Record<string, JsonValue>;
}

/** A node's turn has come; `visit` counts its turns from 1. */
export interface NodeStarted {
  seq: number;
  at: string;
  type: "node_started";
  node: string;
  visit: number;
  kind: string;
  label: string;
  role: string;
}

/** A node as the events have left it. */
export interface NodeView {
  id: string;
  kind: string;
  label: string;
  role: string;
  status: "waiting" | "pinned" | "running" | "waiting_for_person" | "completed" | "failed" | "skipped";
  visits: number;
  text: string;
  fields: Record<string, JsonValue>;
  seconds: number;
  calls: number;
  reused_calls: number;
  prompt_tokens: number;
  tokens: number;
  cost_usd: number | null;
  cache_hit: boolean | null;
  model: string | null;
  notes: readonly string[];
  question: string | null;
  choices: readonly string[];
  default: string | null;
  votes: readonly VoteView[];
}

/** A person has answered a node's question. */
export interface PersonAnswered {
  seq: number;
  at: string;
  type: "person_answered";
  node: string;
  visit: number;
  text: string;
}

/** What a node is taken to have said, in a run that does not run it. */
export interface Pin {
  text: string;
  fields: Record<string, JsonValue>;
}

/** Where an editor draws a node: its upper left corner, in pixels. */
export interface Position {
  x: number;
  y: number;
}

/** A closed condition on one declared field: `{"value": "validator.accepted", "op": "==", "than": false}`. */
export interface Predicate {
  value: string;
  op: "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "contains";
  than: JsonValue;
}

/** A condition chose an edge. */
export interface RouteTaken {
  seq: number;
  at: string;
  type: "route_taken";
  source: string;
  target: string;
  visit: number;
}

/** A queued run's turn has come. */
export interface RunAdmitted {
  seq: number;
  at: string;
  type: "run_admitted";
}

/** The run has ended, and stays so. */
export interface RunFinished {
  seq: number;
  at: string;
  type: "run_finished";
  status: "queued" | "running" | "waiting" | "paused" | "completed" | "declined" | "failed" | "cancelled" | "limit_exceeded";
  answer: string | null;
  fault: Fault | null;
  seconds: number;
  totals: RunTotals | null;
}

/** What a run may use, beside the limits of its flow: of the two the tighter one holds. */
export interface RunLimits {
  max_cost_usd: number | null;
  max_tokens: number | null;
  timeout_s: number | null;
  max_steps: number | null;
}

/** What a run may choose beyond its flow. None leaves the flow's own word. */
export interface RunOptions {
  model: string | null;
  models: Record<string, string>;
  strategy: string | null;
  max_tokens: number | null;
  temperature: number | null;
  seed: number | null;
  language: "en" | "es";
  history: readonly Message[];
  limits: RunLimits;
}

/** Somebody asked the run to stop for a while; the calls in flight were let end. */
export interface RunPaused {
  seq: number;
  at: string;
  type: "run_paused";
}

/** The run waits for its turn: as many are going on as may at once. */
export interface RunQueued {
  seq: number;
  at: string;
  type: "run_queued";
  ahead: number;
}

/** A run to be: which flow, on what question, with which options. */
export interface RunRequest {
  flow: string;
  prompt: string;
  inputs: Record<string, string>;
  options: RunOptions;
  only: string | null;
  pins: Record<string, Pin>;
}

/** The run was taken up where its record ends: by another process, after a pause, or with a person's answer. */
export interface RunResumed {
  seq: number;
  at: string;
  type: "run_resumed";
  recorded_steps: number;
}

/** The run has begun, or stands in the queue; everything that it will need is in here. */
export interface RunStarted {
  seq: number;
  at: string;
  type: "run_started";
  run_id: string;
  request_id: string;
  flow: FlowConfig;
  flow_hash: string;
  flow_version: number | null;
  subflows: Record<string, FlowConfig>;
  request: RunRequest;
  parent_run_id: string | null;
  from_node: string | null;
}

/** What a run took. `cost_usd` is None as soon as one price in it is not known. */
export interface RunTotals {
  reused_calls: number;
  calls: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost_usd: number | null;
  seconds: number;
}

/** A run as its events add up: status, transcript, cost, answer. */
export interface RunView {
  run_id: string;
  request_id: string;
  flow_id: string;
  flow_hash: string;
  flow_version: number | null;
  parent_run_id: string | null;
  only_node: string | null;
  prompt: string;
  status: "queued" | "running" | "waiting" | "paused" | "completed" | "declined" | "failed" | "cancelled" | "limit_exceeded";
  nodes: readonly NodeView[];
  edges: readonly EdgeView[];
  answer: string | null;
  draft: string | null;
  fault: Fault | null;
  totals: RunTotals;
  created_at: string | null;
  finished_at: string | null;
  last_seq: number;
}

/** Nothing can go on until a person has answered; nobody works on the run meanwhile. */
export interface RunWaits {
  seq: number;
  at: string;
  type: "run_waits";
}

/** Seconds. `total_s` covers everything between the call and the last token. */
export interface Timings {
  load_s: number;
  queue_s: number;
  first_token_s: number | null;
  inference_s: number;
  total_s: number;
}

/** A piece of an answer as it is written. Live only: never stored. `offset` counts the characters before it. */
export interface Token {
  seq: number;
  at: string;
  type: "token";
  node: string;
  visit: number;
  sample: number;
  offset: number;
  text: string;
}

/**
 * What a sentence says, for those who say it in another language: its code, and the names and figures in it.
 *
 * A value that is itself a clause of the server's is told in the same way.
 */
export interface Told {
  code: string;
  values: Record<string, Told | string | boolean | number | readonly (Told | string)[]>;
}

/** A function that the model may ask its caller to run. `parameters`: a JSON Schema. */
export interface Tool {
  name: string;
  description: string | null;
  parameters: Record<string, JsonValue>;
}

/** What the model asks a tool. `arguments` is JSON as the model wrote it, which need not be valid. */
export interface ToolCall {
  id: string;
  name: string;
  arguments: string;
}

/** Tokens read and written. `cost_usd` is None where the price is not known, never 0 in its place. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  cached_tokens: number;
  cost_usd: number | null;
  lost_usd: number;
}

/** A vote was counted: what was chosen, by whom, with which weight. */
export interface VoteCast {
  seq: number;
  at: string;
  type: "vote_cast";
  node: string;
  visit: number;
  voter: string;
  choice: string;
  weight: number;
}

/** A vote of a node's newest turn. */
export interface VoteView {
  voter: string;
  choice: string;
  weight: number;
}

/** A node has a question to a person. */
export interface WaitingForPerson {
  seq: number;
  at: string;
  type: "waiting_for_person";
  node: string;
  visit: number;
  question: string;
  choices: readonly string[];
  default: string | null;
}
