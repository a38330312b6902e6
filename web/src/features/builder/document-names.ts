// Renames a node everywhere in its flow: edges, conditions, prompts, settings, tests.
import type { EdgeDoc, FlowDoc, NodeDoc } from "./document";

const FIELD = "(\\.[a-z][a-z0-9_]{0,63})?";
/** Settings that name nodes, or fields of nodes. */
const NAMING = ["of", "over"];

/** The flow with `from` called `to`; the same flow where there is no such node. `to` must be free. */
export function renameNode(flow: FlowDoc, from: string, to: string): FlowDoc {
  return renameNodes(flow, new Map([[from, to]]));
}

export function renameNodes(flow: FlowDoc, names: ReadonlyMap<string, string>): FlowDoc {
  if (!flow.nodes.some(({ id }) => names.has(id))) return flow;
  const rename = (id: string) => names.get(id) ?? id;
  const renamed: FlowDoc = {
    ...flow,
    nodes: flow.nodes.map((node) => renamedNode(node, names)),
    edges: flow.edges.map((edge) => renamedEdge(edge, names)),
    ...(flow.layout && { layout: byName(flow.layout, rename) }),
    ...(typeof flow.answer === "string" && { answer: rename(flow.answer) }),
    ...(typeof flow.draft === "string" && { draft: rename(flow.draft) }),
  };
  return flow.tests === undefined ? renamed : { ...renamed, tests: flow.tests.map((one) => renamedCase(one, names)) };
}

export function renamedNode(node: NodeDoc, names: ReadonlyMap<string, string>): NodeDoc {
  const settings = Object.entries(node).map(([name, value]) => [name, NAMING.includes(name) ? named(value, names) : inTexts(value, names)]);
  const { weights } = node;
  return {
    ...(Object.fromEntries(settings) as object),
    ...(isObject(weights) && { weights: byName(weights, (id) => names.get(id) ?? id) }),
    id: names.get(node.id) ?? node.id,
    kind: node.kind,
  };
}

export function renamedEdge(edge: EdgeDoc, names: ReadonlyMap<string, string>): EdgeDoc {
  const { from, to, when } = edge;
  return {
    ...edge,
    from: names.get(from) ?? from,
    to: names.get(to) ?? to,
    ...(when && { when: { ...when, value: fieldName(when.value, names) } }),
  };
}

/** Every text in a value with the names in its braces changed. */
function inTexts(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return inTemplate(value, names);
  if (Array.isArray(value)) return value.map((one) => inTexts(one, names));
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inTexts(one, names)])) : value;
}

export function inTemplate(text: string, names: ReadonlyMap<string, string>): string {
  if (!text.includes("{")) return text;
  const token = new RegExp(`\\{\\{|\\}\\}|\\{([?/]?)([a-z][a-z0-9_]{0,127})${FIELD}\\}`, "g");
  return text.replace(token, (whole, mark: string | undefined, name: string | undefined, field: string | undefined) => {
    if (name === undefined) return whole;
    const node = field === undefined ? name.replace(/_output$/, "") : name;
    const to = names.get(node);
    if (to === undefined || (field === undefined && node === name)) return whole;
    return `{${mark ?? ""}${to}${field ?? "_output"}}`;
  });
}

/** `of` and `over`: a node, or a field of one, or a list of them. */
function named(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return fieldName(value, names);
  return Array.isArray(value) ? value.map((one) => named(one, names)) : value;
}

function fieldName(value: string, names: ReadonlyMap<string, string>): string {
  const [node = "", ...field] = value.split(".");
  return [names.get(node) ?? node, ...field].join(".");
}

function renamedCase(test: unknown, names: ReadonlyMap<string, string>): unknown {
  if (!isObject(test)) return test;
  const { expect, answers, people } = test;
  // Of `sub/creator` or `each[2]` the node of this flow comes first.
  const outer = (name: string) => name.replace(/^[a-z0-9_]+/, (id) => names.get(id) ?? id);
  const expected = (one: unknown) => (isObject(one) && typeof one["value"] === "string" ? { ...one, value: fieldName(one["value"], names) } : one);
  return {
    ...test,
    ...(Array.isArray(expect) && { expect: expect.map(expected) }),
    ...(isObject(answers) && { answers: byName(answers, outer) }),
    ...(isObject(people) && { people: byName(people, outer) }),
  };
}

function byName<T>(values: Readonly<Record<string, T>>, rename: (name: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [rename(name), value]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
