// What a tool is given, as its JSON Schema says it: the fields of a form, and what is written in them.

export interface Argument {
  readonly name: string;
  readonly type: ArgumentType;
  readonly isRequired: boolean;
  readonly about: string;
  /** The only values that would do; none where any does. */
  readonly choices: readonly string[];
}

export const ARGUMENT_TYPES = ["text", "number", "integer", "boolean", "list", "object", "any"] as const;
export type ArgumentType = (typeof ARGUMENT_TYPES)[number];

const TYPES: Readonly<Record<string, ArgumentType>> = {
  string: "text",
  number: "number",
  integer: "integer",
  boolean: "boolean",
  array: "list",
  object: "object",
};

export interface Takes {
  readonly known: readonly Argument[];
  /** Whether it may be given others besides. */
  readonly isOpen: boolean;
}

/** What a schema lets a tool take, those first that it must be given. */
export function takesOf(schema: unknown): Takes {
  const whole = objectIn(schema);
  const required = Array.isArray(whole["required"]) ? whole["required"] : [];
  const known = Object.entries(objectIn(whole["properties"])).map(([name, given]): Argument => {
    const one = objectIn(given);
    const { type, description, enum: choices } = one;
    const only = Array.isArray(type) ? type.filter((each) => each !== "null") : [type];
    return {
      name,
      type: (only.length === 1 && typeof only[0] === "string" && TYPES[only[0]]) || "any",
      isRequired: required.includes(name),
      about: typeof description === "string" ? description : "",
      choices: Array.isArray(choices) ? choices.map((choice) => (typeof choice === "string" ? choice : JSON.stringify(choice))) : [],
    };
  });
  const first = known.toSorted((one, other) => Number(other.isRequired) - Number(one.isRequired));
  return { known: first, isOpen: whole["additionalProperties"] !== false };
}

/** A value as it is written: a text as it stands, anything else as JSON. */
export function writtenArgument(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What was written: nothing where that is empty; a number, a list or the like where the tool takes no text and it is one. */
export function readArgument(text: string, type: ArgumentType): unknown {
  if (text === "") return undefined;
  if (type === "text") return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? text : value;
  } catch {
    return text;
  }
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
