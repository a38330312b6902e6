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
export function written(value: unknown, type = "any"): string {
  if (type === "text" && typeof value === "string") return value;
  if (type === "text" && isPlainList(value)) return value.join(", ");
  if (typeof value !== "string") return value === undefined ? "" : JSON.stringify(value);
  return typeof parsed(value) === "string" ? value : JSON.stringify(value);
}

/** Texts that are told apart by commas alone. */
function isPlainList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 1 && value.every((one) => typeof one === "string" && one.trim() === one && one !== "" && !/[,"[]/.test(one));
}

/**
 * What was written in a field. Of a field that holds text it is a text, whatever it looks like. Of any other one
 * numbers, true, false, null, lists and quoted texts are read as JSON, and anything else is the text itself. `in` takes
 * a list: words apart by commas are one.
 */
export function readValue(text: string, op: Op, type = "any"): Value {
  if (type === "text" && op !== "in") return text;
  if (type === "text") return readTexts(text);
  const value = parsed(text.trim());
  if (op !== "in" || Array.isArray(value)) return value;
  return typeof value === "string" && !text.trim().startsWith('"') ? value.split(",").map((part) => parsed(part.trim())) : [value];
}

function readTexts(text: string): Value {
  const value = parsed(text.trim());
  return Array.isArray(value) ? (value as Value) : text.split(",").map((part) => part.trim());
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
