// What a condition may compare, by the type of the field: pure, for the form that writes it.

export type Op = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "contains";
export type FieldType = "text" | "number" | "boolean" | "list" | "object" | "any";
type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

const ORDERED: readonly Op[] = ["<", "<=", ">", ">="];
const OPS: Readonly<Record<FieldType, readonly Op[]>> = {
  boolean: ["==", "!="],
  number: ["==", "!=", ...ORDERED, "in"],
  text: ["==", "!=", "contains", "in", ...ORDERED],
  list: ["contains", "==", "!="],
  object: ["==", "!="],
  any: ["==", "!=", ...ORDERED, "in", "contains"],
};

/** The comparisons that can hold for a field of that type; the one that is there already is always among them. */
export function opsFor(type: string, chosen?: Op): readonly Op[] {
  const ops = OPS[isType(type) ? type : "any"];
  return chosen === undefined || ops.includes(chosen) ? ops : [...ops, chosen];
}

function isType(type: string): type is FieldType {
  return Object.hasOwn(OPS, type);
}

/** How a value stands in its field. A text stands without quotes, unless it would be read as something else. */
export function written(value: unknown): string {
  if (typeof value !== "string") return value === undefined ? "" : JSON.stringify(value);
  return typeof parsed(value) === "string" ? value : JSON.stringify(value);
}

/**
 * What was written in a field. Numbers, true, false, null, lists and quoted texts are read as JSON, anything else is
 * the text itself. `in` takes a list: words apart by commas are one.
 */
export function readValue(text: string, op: Op): Value {
  const value = parsed(text.trim());
  if (op !== "in" || Array.isArray(value)) return value;
  return typeof value === "string" && !text.trim().startsWith('"') ? value.split(",").map((part) => parsed(part.trim())) : [value];
}

function parsed(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return text;
  }
}

/** What to begin with when a field is chosen. */
export function firstValue(type: string): Value {
  if (type === "boolean") return true;
  return type === "number" ? 0 : "";
}
