// What somebody wants otherwise in a fork, as the fields of a form hold it, and the request that it comes to.
import type { JsonValue } from "@/run/events";
import type { ForkRequest, RunBeginning } from "./api";

type Node = RunBeginning["flow"]["nodes"][number];
type Settings = Record<string, JsonValue>;

/** Of one node; `undefined`: left as it is. Figures are texts, as they are typed. */
export interface NodeEdit {
  prompt?: string;
  system?: string;
  model?: string;
  temperature?: string;
  max_tokens?: string;
  /** The other settings, as JSON. */
  others?: string;
}

export interface ForkDraft {
  question: string;
  inputs: Record<string, string>;
  /** For every node; "": as before. */
  model: string;
  nodes: Record<string, NodeEdit>;
  /** The node from which everything is asked anew, changed or not; "": none. */
  from: string;
}

export type Wrong = { node: string; field: keyof NodeEdit };

const NOT_SETTINGS = ["id", "kind", "label", "role"];
const SHOWN_APART = ["prompt", "system", "temperature", "max_tokens", "model"];
const BOUNDS = { temperature: { least: 0, most: 2, whole: false }, max_tokens: { least: 1, most: 1_000_000, whole: true } };

export function freshDraft(beginning: RunBeginning, from = ""): ForkDraft {
  return { question: beginning.request.prompt, inputs: { ...beginning.request.inputs }, model: "", nodes: {}, from };
}

/** Whether what was kept is such a draft: another version of this page may have kept it. */
export function isDraft(kept: unknown): kept is ForkDraft {
  const draft = (kept ?? {}) as Partial<Record<keyof ForkDraft, unknown>>;
  const texts = [draft.question, draft.model, draft.from].every((text) => typeof text === "string");
  return texts && [draft.inputs, draft.nodes].every((value) => isMapping((value ?? null) as JsonValue));
}

/** A node's setting as text in the language of the run; "" where there is none. */
export function settingText(node: Node, name: string, language: string): string {
  const value = (node as Settings)[name];
  if (value === null || value === undefined) return "";
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (isMapping(value)) return String(value[language] ?? value["en"] ?? Object.values(value)[0] ?? "");
  return "";
}

/** Whether the node has that setting as a text. */
export function hasText(node: Node, name: string): boolean {
  const value = (node as Settings)[name];
  return typeof value === "string" || (name in node && isMapping(value ?? null));
}

/** The settings that have no field of their own, as JSON. */
export function otherSettings(node: Node): string {
  const hidden = new Set([...NOT_SETTINGS, ...SHOWN_APART]);
  return JSON.stringify(Object.fromEntries(Object.entries(node).filter(([name]) => !hidden.has(name))), null, 2);
}

/** The fields that cannot be sent as they stand. */
export function wrongIn(draft: ForkDraft): Wrong[] {
  return Object.entries(draft.nodes).flatMap(([node, edit]) => {
    const wrong: Wrong[] = [];
    for (const field of ["temperature", "max_tokens"] as const)
      if (edit[field] !== undefined && figure(edit[field], BOUNDS[field]) === undefined) wrong.push({ node, field });
    if (edit.others !== undefined && objectIn(edit.others) === undefined) wrong.push({ node, field: "others" });
    return wrong;
  });
}

/** The request. What is as it was is left out. */
export function forkRequest(draft: ForkDraft, beginning: RunBeginning): ForkRequest {
  const { request } = beginning;
  const inputs = Object.entries(draft.inputs).filter(([name, text]) => text !== request.inputs?.[name]);
  const nodes = changedNodes(draft, beginning);
  const options = changedOptions(draft, request.options ?? {});
  return {
    ...(draft.from !== "" && { from_node: draft.from }),
    ...(draft.question.trim() !== "" && draft.question !== request.prompt && { prompt: draft.question }),
    ...(inputs.length > 0 && { inputs: Object.fromEntries(inputs) }),
    ...(Object.keys(nodes).length > 0 && { nodes: nodes as NonNullable<ForkRequest["nodes"]> }),
    ...(options !== null && { options }),
  };
}

/** Whether the fork would be anything but the same run again. */
export function isChange(fork: ForkRequest): boolean {
  return Object.keys(fork).length > 0;
}

function changedNodes(draft: ForkDraft, { flow, request }: RunBeginning): Record<string, Settings> {
  const changes = flow.nodes.map((node) => [node.id, changed(node, draft.nodes[node.id] ?? {}, request.options?.language ?? "en")] as const);
  return Object.fromEntries(changes.filter(([, change]) => Object.keys(change).length > 0));
}

type Options = NonNullable<ForkRequest["options"]>;

/** The options with other models; null where these stay. A word for one node is stronger than one for all. */
function changedOptions({ model, nodes }: ForkDraft, before: Options): Options | null {
  const chosen = Object.entries(nodes).flatMap(([node, edit]) => (edit.model ? [[node, edit.model] as const] : []));
  if (model === "") return chosen.length === 0 ? null : { ...before, models: { ...before.models, ...Object.fromEntries(chosen) } };
  // Those of the first run would else outdo the new one.
  return { ...before, model, models: Object.fromEntries(chosen) };
}

function changed(node: Node, edit: NodeEdit, language: string): Settings {
  const change: Settings = {};
  for (const name of ["prompt", "system"] as const) {
    const text = edit[name];
    if (text !== undefined && text !== settingText(node, name, language)) change[name] = withText(node, name, text, language);
  }
  for (const name of ["temperature", "max_tokens"] as const) {
    const typed = edit[name];
    if (typed !== undefined && typed !== settingText(node, name, language)) change[name] = figure(typed, BOUNDS[name]) ?? null;
  }
  return { ...change, ...changedOthers(node, edit.others) };
}

function changedOthers(node: Node, typed: string | undefined): Settings {
  const after = typed === undefined ? undefined : objectIn(typed);
  const before = objectIn(otherSettings(node)) ?? {};
  if (after === undefined) return {};
  const change: Settings = {};
  for (const name of Object.keys(before)) if (!(name in after)) change[name] = null;
  for (const [name, value] of Object.entries(after))
    if (JSON.stringify(value) !== JSON.stringify(before[name])) change[name] = value;
  return change;
}

/** A text that stands there in several languages keeps the others. */
function withText(node: Node, name: string, text: string, language: string): JsonValue {
  const value = (node as Settings)[name];
  if (text === "") return null;
  return isMapping(value ?? null) ? { ...(value as Settings), [language]: text } : text;
}

/** The figure; null where nothing is typed, undefined where it is none within the bounds. */
function figure(typed: string, bounds: { least: number; most: number; whole: boolean }): number | null | undefined {
  if (typed.trim() === "") return null;
  const value = Number(typed.replace(",", "."));
  const fits = value >= bounds.least && value <= bounds.most && (!bounds.whole || Number.isInteger(value));
  return fits ? value : undefined;
}

function objectIn(text: string): Settings | undefined {
  try {
    const value: JsonValue = JSON.parse(text);
    return isMapping(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMapping(value: JsonValue): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
