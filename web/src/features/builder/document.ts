// A flow's document as it is edited: every edit is a pure function that answers a new document and shares the rest.
import type { NoteDoc } from "./notes";

export type Text = string | Readonly<Record<string, string>>;

export interface Position {
  readonly x: number;
  readonly y: number;
}

/** A node: beside these whatever its kind takes. */
export interface NodeDoc {
  readonly id: string;
  readonly kind: string;
  readonly label?: Text;
  readonly role?: string;
  readonly [setting: string]: unknown;
}

export interface Condition {
  readonly value: string;
  readonly op: string;
  readonly than: unknown;
}

export interface EdgeDoc {
  readonly from: string;
  readonly to: string;
  readonly when?: Condition | null;
  readonly otherwise?: boolean;
  readonly max_rounds?: number | null;
}

export interface FlowDoc {
  readonly id: string;
  readonly name: Text;
  readonly description?: Text;
  readonly inputs?: Readonly<Record<string, { readonly description?: Text; readonly default?: string | null }>>;
  readonly nodes: readonly NodeDoc[];
  readonly edges: readonly EdgeDoc[];
  readonly limits?: Readonly<Record<string, unknown>>;
  readonly answer?: string | null;
  readonly draft?: string | null;
  readonly tests?: readonly unknown[];
  readonly layout?: Readonly<Record<string, Position>>;
  readonly notes?: Readonly<Record<string, NoteDoc>>;
}

export type Change<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** How often a new edge back may be taken at first. */
const FIRST_ROUNDS = 3;
const NAME = /^[a-z][a-z0-9_]{0,63}$/;

/** The document as it can be edited here; null where its nodes and edges are no lists of nodes and edges. */
export function readDocument(document: unknown): FlowDoc | null {
  if (!isObject(document) || typeof document["id"] !== "string") return null;
  const { nodes = [], edges = [], name = document["id"] } = document;
  const ids = Array.isArray(nodes) ? nodes.map((node) => (isObject(node) && typeof node["kind"] === "string" ? node["id"] : null)) : null;
  if (ids === null || ids.some((id) => typeof id !== "string") || new Set(ids).size < ids.length) return null;
  const ends = (edge: unknown) => isObject(edge) && typeof edge["from"] === "string" && typeof edge["to"] === "string";
  if (!Array.isArray(edges) || !edges.every(ends)) return null;
  return { ...document, name, nodes, edges } as unknown as FlowDoc;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function nodeOf(flow: FlowDoc, id: string): NodeDoc | undefined {
  return flow.nodes.find((node) => node.id === id);
}

/** The id of each edge: its ends, and a number where several lead the same way. */
export function edgeIds(edges: readonly EdgeDoc[]): readonly string[] {
  const seen = new Map<string, number>();
  return edges.map(({ from, to }) => {
    const ends = `${from}->${to}`;
    const count = (seen.get(ends) ?? 0) + 1;
    seen.set(ends, count);
    return count === 1 ? ends : `${ends}#${count}`;
  });
}

export function edgeOf(flow: FlowDoc, id: string): EdgeDoc | undefined {
  return flow.edges[edgeIds(flow.edges).indexOf(id)];
}

/** A name for a node that is not taken, from what it shall be called like. */
export function freeId(taken: ReadonlySet<string>, like: string): string {
  const plain = slug(like) || "node";
  if (!taken.has(plain)) return plain;
  const stem = plain.replace(/_\d+$/, "").slice(0, 58);
  for (let number = 2; ; number += 1) if (!taken.has(`${stem}_${number}`)) return `${stem}_${number}`;
}

/** Small letters, digits and _, a letter first; "" where nothing of it can stand in an id. */
export function slug(text: string): string {
  const plain = text.normalize("NFKD").replace(/[̀-ͯ]/g, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 64).replace(/_+$/, "");
}

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** Names that nodes cannot have: those of nodes, and of inputs. */
export function takenNames(flow: FlowDoc): Set<string> {
  return new Set([...flow.nodes.map(({ id }) => id), ...Object.keys(flow.inputs ?? {}), "previous"]);
}

export function addNode(flow: FlowDoc, node: NodeDoc, at?: Position): FlowDoc {
  const grown = { ...flow, nodes: [...flow.nodes, node] };
  return at === undefined ? grown : moveNodes(grown, { [node.id]: at });
}

/** Set settings of a node; one that is undefined is taken away. Not its id: see `renameNode`. */
export function changeNode(flow: FlowDoc, id: string, change: Change<Omit<NodeDoc, "id">>): FlowDoc {
  return { ...flow, nodes: flow.nodes.map((node) => (node.id === id ? changed(node, change) : node)) };
}

/** Set what stands beside nodes and edges: name, description, inputs, limits, answer, draft, tests. */
export function changeFlow(flow: FlowDoc, change: Change<Omit<FlowDoc, "id" | "nodes" | "edges">>): FlowDoc {
  return changed(flow, change);
}

function changed<T extends object>(whole: T, change: object): T {
  const kept = Object.entries({ ...whole, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as T;
}

/** Take nodes away, and all that leads to or from them. What names one as answer or draft does so no more. */
export function removeNodes(flow: FlowDoc, ids: ReadonlySet<string>): FlowDoc {
  if (!flow.nodes.some(({ id }) => ids.has(id))) return flow;
  const layout = Object.entries(flow.layout ?? {}).filter(([id]) => !ids.has(id));
  return changed(flow, {
    nodes: flow.nodes.filter(({ id }) => !ids.has(id)),
    edges: flow.edges.filter(({ from, to }) => !ids.has(from) && !ids.has(to)),
    layout: layout.length > 0 ? Object.fromEntries(layout) : undefined,
    answer: ids.has(flow.answer ?? "") ? undefined : flow.answer,
    draft: ids.has(flow.draft ?? "") ? undefined : flow.draft,
  });
}

export function removeEdges(flow: FlowDoc, ids: ReadonlySet<string>): FlowDoc {
  const named = edgeIds(flow.edges);
  const edges = flow.edges.filter((_, index) => !ids.has(named[index] ?? ""));
  return edges.length === flow.edges.length ? flow : { ...flow, edges };
}

/** Set what an edge depends on; undefined takes it away. */
export function changeEdge(flow: FlowDoc, id: string, change: Change<EdgeDoc>): FlowDoc {
  const index = edgeIds(flow.edges).indexOf(id);
  return { ...flow, edges: flow.edges.map((edge, at) => (at === index ? changed(edge, change) : edge)) };
}

/** Let one node lead to another. An edge that closes a loop gets a bound; one that is there already is none. */
export function connect(flow: FlowDoc, from: string, to: string): FlowDoc {
  const names = new Set(flow.nodes.map(({ id }) => id));
  if (!names.has(from) || !names.has(to) || flow.edges.some((edge) => edge.from === from && edge.to === to)) return flow;
  const edge: EdgeDoc = closesLoop(flow, from, to) ? { from, to, max_rounds: FIRST_ROUNDS } : { from, to };
  return { ...flow, edges: [...flow.edges, edge] };
}

/** Put a node in the middle of an edge: what depended on a condition does so still. */
export function insertInto(flow: FlowDoc, edgeId: string, node: string): FlowDoc {
  const edge = edgeOf(flow, edgeId);
  if (edge === undefined || !takesNode(edge) || edge.from === node || edge.to === node) return flow;
  const moved = changeEdge(flow, edgeId, { to: node });
  return connect(moved, node, edge.to);
}

/** Whether a node can be put into it. Not into an edge back: when that is used up its source takes another way, and a node to
 * which such edges alone lead is one that the flow begins with. */
export function takesNode({ max_rounds }: EdgeDoc): boolean {
  return typeof max_rounds !== "number";
}

/** Whether an edge between these would lead back: a way of edges forward goes from its end to its beginning. */
export function closesLoop(flow: FlowDoc, from: string, to: string): boolean {
  const waiting = [to];
  const seen = new Set(waiting);
  const next = targetsOf(flow);
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node === from) return true;
    for (const target of next.get(node) ?? []) {
      if (!seen.has(target)) waiting.push(target);
      seen.add(target);
    }
  }
  return false;
}

function targetsOf(flow: FlowDoc): Map<string, string[]> {
  const next = new Map<string, string[]>();
  for (const { from, to, max_rounds } of flow.edges) {
    if (typeof max_rounds !== "number") next.set(from, [...(next.get(from) ?? []), to]);
  }
  return next;
}

export function moveNodes(flow: FlowDoc, to: Readonly<Record<string, Position>>): FlowDoc {
  const rounded = Object.entries(to).map(([id, { x, y }]) => [id, { x: bounded(x), y: bounded(y) }] as const);
  return { ...flow, layout: { ...flow.layout, ...Object.fromEntries(rounded) } };
}

/** A coordinate that the server takes. */
export function bounded(value: number): number {
  return Math.round(Math.min(1e6, Math.max(-1e6, value)));
}

/** Whether two documents say the same, whatever order their fields have. */
export function sameDocument(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, index) => sameDocument(value, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => name in other && sameDocument(one[name], other[name]));
}
