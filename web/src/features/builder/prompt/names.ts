// Which names a prompt may use at one node: those of all, of what has run before it, and of its own kind.

import type { Said } from "@/shared/server-words";

/** What the check of a flow says of names, as far as an editor needs it. */
export interface Scope {
  readonly names: readonly { name: string; source: string; about: Words; sure: boolean }[];
  readonly fields: readonly (readonly Field[])[];
  readonly nodes: Readonly<Record<string, ScopeNode>>;
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly about: string;
  readonly said?: Said | null;
}

interface ScopeNode {
  readonly fields: number;
  readonly after?: string | null;
  readonly sure: readonly string[];
  readonly maybe: readonly string[];
  readonly previous: "sure" | "maybe" | "never";
  readonly binds: readonly string[];
}

type Words = string | Readonly<Record<string, string>>;

export type Source = "input" | "run" | "previous" | "item" | "text" | "field";

export interface BoundName {
  readonly name: string;
  readonly source: Source;
  /** The server's own words; "" where the kind of source says it all. */
  readonly about: string;
  /** The node that it is of. */
  readonly node: string | null;
  readonly type: string;
  /** Otherwise it may have no value, and belongs into a block of its own. */
  readonly isSure: boolean;
}

export interface Before {
  /** Nodes that have run whenever this one runs, the nearest first. */
  readonly sure: readonly string[];
  readonly maybe: readonly string[];
}

/** The nodes before one. Each says only what is new since the node that it comes `after`. */
export function nodesBefore(scope: Scope, node: string): Before {
  const sure = new Set<string>();
  const maybe = new Set<string>();
  const seen = new Set<string>();
  let at = scope.nodes[node];
  while (at !== undefined) {
    const after = at.after ?? null;
    if (after !== null) sure.add(after);
    at.sure.forEach((one) => sure.add(one));
    at.maybe.forEach((one) => maybe.add(one));
    if (after === null || seen.has(after)) break;
    seen.add(after);
    at = scope.nodes[after];
  }
  sure.delete(node);
  return { sure: [...sure], maybe: [...maybe].filter((one) => !sure.has(one)) };
}

/** Every name, the most likely ones first. */
export function namesAt(scope: Scope, node: string, language: string): readonly BoundName[] {
  const here = scope.nodes[node];
  if (here === undefined) return [];
  const plain = (name: string, source: Source, isSure: boolean, about = ""): BoundName => ({
    name,
    source,
    about,
    node: null,
    type: "text",
    isSure,
  });
  const { sure, maybe } = nodesBefore(scope, node);
  const given = scope.names.map(({ name, source, about, sure: isSure }) =>
    plain(name, source === "input" ? "input" : "run", isSure, inLanguage(about, language)),
  );
  return [
    ...here.binds.map((name) => plain(name, "item", true)),
    ...(here.previous === "never" ? [] : [plain("previous_output", "previous", here.previous === "sure")]),
    ...given.filter(({ source }) => source === "input"),
    ...[...sure, ...maybe].map((one) => textOf(one, sure.includes(one))),
    ...given.filter(({ source }) => source === "run"),
    ...[...sure, ...maybe].flatMap((one) => fieldsOf(scope, one, sure.includes(one))),
  ];
}

/** The fields that conditions may read at the end of a node's turn: its own, and those of nodes before it. */
export function fieldsFor(scope: Scope, node: string): readonly BoundName[] {
  const { sure, maybe } = nodesBefore(scope, node);
  return [node, ...sure, ...maybe.filter((one) => one !== node)].flatMap((one) =>
    fieldsOf(scope, one, one === node || sure.includes(one)),
  );
}

function textOf(node: string, isSure: boolean): BoundName {
  return { name: `${node}_output`, source: "text", about: "", node, type: "text", isSure };
}

function fieldsOf(scope: Scope, node: string, isSure: boolean): BoundName[] {
  const fields = scope.fields[scope.nodes[node]?.fields ?? -1] ?? [];
  return fields.map(({ name, type, about }) => ({ name: `${node}.${name}`, source: "field", about, node, type, isSure }));
}

function inLanguage(words: Words, language: string): string {
  if (typeof words === "string") return words;
  return words[language] || words["en"] || (Object.values(words)[0] ?? "");
}
