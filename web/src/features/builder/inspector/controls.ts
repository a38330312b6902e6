// Makes of a kind's JSON Schema what a form needs: for each setting the control that fits it.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Schema = { readonly [key: string]: Json };

export type Control =
  | { readonly is: "prompt" | "words" | "text" | "model" | "strategy" | "flow" | "tool" | "flag" }
  | { readonly is: "number"; readonly isWhole: boolean; readonly min: number | null; readonly max: number | null; readonly isOver: boolean }
  | { readonly is: "choice"; readonly options: readonly string[] }
  | { readonly is: "nodes" | "sources"; readonly isMany: boolean; readonly mayBeOne: boolean }
  | { readonly is: "field" }
  | { readonly is: "list"; readonly of: "text" | "words" | "model"; readonly most: number | null }
  | { readonly is: "prompts"; readonly most: number | null }
  | { readonly is: "group"; readonly settings: readonly Setting[] }
  | { readonly is: "schema" | "json" };

export interface Setting {
  readonly name: string;
  readonly control: Control;
  readonly isRequired: boolean;
  /** What holds where nothing is given; null: nothing, or what something else says. */
  readonly standard: Json;
  readonly mayBeNull: boolean;
  /** Set apart behind "more", because most flows leave it. */
  readonly isRare: boolean;
}

const OF_ALL = new Set(["id", "kind", "label", "role"]);
const FREQUENT = new Set([
  ...["prompt", "system", "model", "samples", "output_schema", "temperature", "max_tokens"],
  ...["question", "choices", "default", "flow", "inputs", "tool", "arguments", "op", "of", "over", "lines"],
  ...["criteria", "mode", "method", "normalize", "scorer", "min_score", "low_gb", "limit", "pointer", "separator"],
]);

/** The settings of a kind, in the schema's order. `templates`: those that are prompts. */
export function settingsOf(whole: Schema, kind: string, templates: readonly string[]): readonly Setting[] {
  const definitions = objectIn(whole["$defs"]);
  const node = objectIn(definitions[`node_${kind}`]);
  return properties(node, definitions, templates).filter(({ name }) => !OF_ALL.has(name));
}

function properties(schema: Schema, definitions: Schema, templates: readonly string[]): readonly Setting[] {
  const required = listIn(schema["required"]);
  return Object.entries(objectIn(schema["properties"])).map(([name, given]) => {
    const { parts, mayBeNull } = alternatives(objectIn(given), definitions);
    return {
      name,
      control: controlOf(name, parts, definitions, templates),
      isRequired: required.includes(name),
      standard: objectIn(given)["default"] ?? null,
      mayBeNull,
      isRare: !FREQUENT.has(name) && !required.includes(name),
    };
  });
}

/** What a value may be beside null, with references followed. */
function alternatives(schema: Schema, definitions: Schema): { parts: readonly Schema[]; mayBeNull: boolean } {
  const followed = follow(schema, definitions);
  const any = listIn(followed["anyOf"]).map((one) => follow(objectIn(one), definitions));
  const parts = any.length === 0 ? [followed] : any;
  return {
    parts: parts.filter(({ type }) => type !== "null"),
    mayBeNull: parts.some(({ type }) => type === "null"),
  };
}

function follow(schema: Schema, definitions: Schema): Schema {
  const reference = schema["$ref"];
  if (typeof reference !== "string") return schema;
  return objectIn(definitions[reference.slice(reference.lastIndexOf("/") + 1)]);
}

const BY_NAME: Readonly<Record<string, Control>> = {
  model: { is: "model" },
  strategy: { is: "strategy" },
  flow: { is: "flow" },
  tool: { is: "tool" },
  output_schema: { is: "schema" },
  over: { is: "field" },
};

function controlOf(name: string, parts: readonly Schema[], definitions: Schema, templates: readonly string[]): Control {
  const [first = {}, ...others] = parts;
  if (isWords(parts)) return { is: templates.includes(name) ? "prompt" : "words" };
  const named = BY_NAME[name];
  if (named !== undefined) return named;
  if (name === "of") return ofNodes(parts);
  if (others.length > 0) return { is: "json" };
  if (Array.isArray(first["enum"])) return { is: "choice", options: listIn(first["enum"]).map(String) };
  return byType(name, first, definitions, templates);
}

function byType(name: string, schema: Schema, definitions: Schema, templates: readonly string[]): Control {
  switch (schema["type"]) {
    case "boolean":
      return { is: "flag" };
    case "integer":
    case "number":
      return numberOf(schema);
    case "string":
      return { is: templates.includes(name) ? "prompt" : "text" };
    case "array":
      return listOf(name, schema, definitions);
    case "object":
      return objectOf(name, schema, definitions, templates);
    default:
      return { is: "json" };
  }
}

function numberOf(schema: Schema): Control {
  const bound = (...names: string[]) => names.map((name) => schema[name]).find((one) => typeof one === "number") ?? null;
  return {
    is: "number",
    isWhole: schema["type"] === "integer",
    min: bound("minimum", "exclusiveMinimum") as number | null,
    max: bound("maximum", "exclusiveMaximum") as number | null,
    isOver: typeof schema["exclusiveMinimum"] === "number",
  };
}

function listOf(name: string, schema: Schema, definitions: Schema): Control {
  const { parts } = alternatives(objectIn(schema["items"]), definitions);
  const most = typeof schema["maxItems"] === "number" ? schema["maxItems"] : null;
  if (name === "models") return { is: "list", of: "model", most };
  if (isWords(parts)) return { is: "list", of: "words", most };
  return parts.length === 1 && parts[0]?.["type"] === "string" ? { is: "list", of: "text", most } : { is: "json" };
}

function objectOf(name: string, schema: Schema, definitions: Schema, templates: readonly string[]): Control {
  if (schema["properties"] !== undefined) return { is: "group", settings: properties(schema, definitions, []) };
  const most = typeof schema["maxProperties"] === "number" ? schema["maxProperties"] : null;
  return templates.includes(name) ? { is: "prompts", most } : { is: "json" };
}

/** `of` names nodes, or fields of nodes where a dot may stand in it; one, several, or either. */
function ofNodes(parts: readonly Schema[]): Control {
  const lists = parts.filter(({ type }) => type === "array");
  const texts = parts.filter(({ type }) => type === "string");
  const pattern = texts[0]?.["pattern"] ?? objectIn(lists[0]?.["items"] ?? null)["pattern"];
  const hasFields = typeof pattern === "string" && pattern.includes("\\.");
  return { is: hasFields ? "sources" : "nodes", isMany: lists.length > 0, mayBeOne: texts.length > 0 };
}

/** A text, or one for each language. */
function isWords(parts: readonly Schema[]): boolean {
  const [text, each] = parts;
  const languages = listIn(objectIn(each?.["propertyNames"] ?? null)["enum"]);
  return parts.length === 2 && text?.["type"] === "string" && languages.includes("en");
}

function objectIn(value: Json | undefined): Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Schema) : {};
}

function listIn(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** The number that was written: null for nothing, undefined where it is none that would do. */
export function readNumber(text: string, control: Control & { is: "number" }): number | null | undefined {
  const written = text.trim().replace(",", ".");
  if (written === "") return null;
  const value = Number(written);
  if (!Number.isFinite(value) || (control.isWhole && !Number.isInteger(value))) return undefined;
  if (control.min !== null && (value < control.min || (control.isOver && value === control.min))) return undefined;
  return control.max !== null && value > control.max ? undefined : value;
}

/** A word of a schema as people write it: `min_score` is "Min score". For settings that no dictionary knows. */
export function worded(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
