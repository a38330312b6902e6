// Says of a problem's JSON pointer which node, edge or setting of the flow it speaks of.

import type { Said } from "@/shared/server-words";
import { edgeIds, type EdgeDoc } from "../document";

export type Severity = "error" | "warning";

export interface FoundProblem {
  readonly path: string;
  readonly message: string;
  readonly severity?: Severity;
  readonly said?: Said | null;
}

/** Where a problem is. `setting`: of the node or edge, or a part of the flow itself; "" for all of it. */
export interface Place {
  readonly is: "node" | "edge" | "flow";
  /** Of the node or edge, as the document names them; "" of what is gone. */
  readonly id: string;
  readonly setting: string;
  /** What is further in: the language of a text, the place in a list. */
  readonly rest: readonly string[];
}

export interface PlacedProblem extends FoundProblem {
  readonly severity: Severity;
  readonly place: Place;
  readonly key: string;
}

interface Checked {
  readonly nodes?: unknown;
  readonly edges?: unknown;
}

/** The problems with their places. `document`: the one that was checked, which may not be the one that is edited now. */
export function placed(problems: readonly FoundProblem[], document: Checked): readonly PlacedProblem[] {
  return problems.map((problem, at) => ({ ...problem, severity: problem.severity ?? "error", place: placeOf(problem.path, document), key: `${at} ${problem.path}` }));
}

export function placeOf(path: string, document: Checked): Place {
  const [first = "", second = "", setting = "", ...rest] = path.split("/").slice(1).map(unescape);
  if (first === "nodes" && second !== "") return { is: "node", id: textOf(at(document.nodes, second), "id"), setting, rest };
  if (first === "edges" && second !== "") {
    const ids = Array.isArray(document.edges) ? edgeIds(document.edges as readonly EdgeDoc[]) : [];
    return { is: "edge", id: ids[Number(second)] ?? "", setting, rest };
  }
  return { is: "flow", id: "", setting: first, rest: [second, setting, ...rest].filter((part) => part !== "") };
}

/** The id of the first edge between two nodes. */
export function edgeId(from: string, to: string): string {
  return `${from}->${to}`;
}

function unescape(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function at(list: unknown, place: string): unknown {
  return Array.isArray(list) ? list[Number(place)] : undefined;
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== "object" || value === null) return "";
  const found = (value as Record<string, unknown>)[name];
  return typeof found === "string" ? found : "";
}

/** What is wrong with one setting, as one text; undefined where nothing is. */
export function said(problems: readonly PlacedProblem[], setting: string, rest: readonly string[] = []): string | undefined {
  const found = problems.filter(({ place }) => place.setting === setting && rest.every((part, depth) => place.rest[depth] === part));
  return found.length === 0 ? undefined : found.map(({ message }) => message).join("\n");
}
