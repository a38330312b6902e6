// Which nodes a node reads, from what it says: pure, for the form that pins what they said.
import type { Setting } from "../inspector/controls";
import type { EdgeDoc, NodeDoc } from "../document";
import { readTemplate } from "../prompt/template";

export interface Need {
  readonly node: string;
  /** Fields that are read beside the text. */
  readonly fields: readonly string[];
  /** Without it the node cannot be run alone. */
  readonly isNeeded: boolean;
}

/** Kinds that read what led to them where they name nobody. */
const READS_PREVIOUS = ["vote", "judge", "validator"];

/** The nodes that this one reads, those that it cannot do without first. */
export function needsOf(node: NodeDoc, settings: readonly Setting[], edges: readonly EdgeDoc[], others: ReadonlySet<string>): readonly Need[] {
  const found = new Map<string, { fields: Set<string>; isNeeded: boolean }>();
  const need = (name: string, isNeeded: boolean) => {
    const [id = "", field] = name.split(".");
    if (!others.has(id)) return;
    const known = found.get(id) ?? { fields: new Set<string>(), isNeeded: false };
    if (field !== undefined && field !== "text" && field !== "visits") known.fields.add(field);
    found.set(id, { ...known, isNeeded: known.isNeeded || isNeeded });
  };
  const before = [...new Set(edges.filter(({ to }) => to === node.id).map(({ from }) => from))];
  const previous = (isNeeded: boolean) => before.forEach((id) => need(id, isNeeded && before.length === 1));
  const names = (text: string) =>
    readTemplate(text).mentions.forEach(({ name, kind, isSheltered }) => {
      const isNeeded = kind === "slot" && !isSheltered;
      if (name === "previous_output") previous(isNeeded);
      else need(name.includes(".") ? name : name.replace(/_output$/, ""), isNeeded);
    });
  for (const { name, control } of settings) {
    const texts = textsIn(node[name]);
    if (control.is === "prompt" || control.is === "prompts") texts.forEach(names);
    if (control.is === "nodes" || control.is === "sources" || control.is === "field") {
      texts.forEach((one) => need(one, control.is !== "sources" || node["op"] !== "newest"));
    }
  }
  if (READS_PREVIOUS.includes(node.kind) && textsIn(node["of"]).length === 0) previous(true);
  const needs = [...found].map(([id, { fields, isNeeded }]) => ({ node: id, fields: [...fields], isNeeded }));
  return needs.sort((a, b) => Number(b.isNeeded) - Number(a.isNeeded));
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
