// How a flow is asked from a program or a terminal: the text of each call, ready to be run.
import type { components } from "@/shared/api/schema";

export const FORMS = ["python", "typescript", "curl", "terminal"] as const;
export type Form = (typeof FORMS)[number];

export interface Called {
  /** As commands name it: `challenge`, `mine@draft`. */
  readonly flow: string;
  /** What is asked in the example. */
  readonly question: string;
  /** Values for its inputs beside the question, by their names. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Where the server is, without a slash at its end. */
  readonly server: string;
}

/** The question and what a client gives in other ways: as instructions, as earlier turns. */
const GIVEN_OTHERWISE = new Set(["user_input", "system", "history"]);

/** The inputs that a call has to name, each with something to be put in its place. */
export function inputsToGive(inputs: Readonly<Record<string, components["schemas"]["FlowInput"]>>, place: string): Record<string, string> {
  const needed = Object.entries(inputs).filter(([name, input]) => !GIVEN_OTHERWISE.has(name) && (input.default ?? null) === null);
  return Object.fromEntries(needed.map(([name]) => [name, place]));
}

const CALLS: Record<Form, (called: Called) => string> = {
  python: ({ flow, question, inputs, server }) => `# pip install openai
import os

from openai import OpenAI

lab = OpenAI(base_url=${quoted(`${server}/v1`)}, api_key=os.environ["AGENT_LAB_TOKEN"])
answer = lab.chat.completions.create(
    model=${quoted(`flow/${flow}`)},
    messages=[{"role": "user", "content": ${quoted(question)}}],
${isEmpty(inputs) ? "" : `    extra_body={"agent_lab": {"inputs": ${spaced(inputs)}}},\n`})
print(answer.choices[0].message.content)
print(answer.model_extra["agent_lab"]["run_id"])
`,
  typescript: ({ flow, question, inputs, server }) => `// npm install openai
import OpenAI from "openai";

const lab = new OpenAI({ baseURL: ${quoted(`${server}/v1`)}, apiKey: process.env.AGENT_LAB_TOKEN });
const answer = await lab.chat.completions.create({
  model: ${quoted(`flow/${flow}`)},
  messages: [{ role: "user", content: ${quoted(question)} }],
${isEmpty(inputs) ? "" : `  // @ts-expect-error OpenAI's types do not know it\n  agent_lab: { inputs: ${spaced(inputs)} },\n`}});
console.log(answer.choices[0].message.content);
`,
  curl: ({ flow, question, inputs, server }) => `curl ${server}/v1/chat/completions \\
  -H "Authorization: Bearer $AGENT_LAB_TOKEN" -H "Content-Type: application/json" \\
  -d ${inShell(
    spaced({
      model: `flow/${flow}`,
      messages: [{ role: "user", content: question }],
      ...(!isEmpty(inputs) && { agent_lab: { inputs } }),
    }),
  )}
`,
  terminal: ({ flow, question, inputs }) =>
    `${["agent-lab run", flow, inShell(question), ...Object.entries(inputs).map(([name, value]) => `--input ${name}=${inShell(value)}`)].join(" ")}\n`,
};

/** The text of that call. */
export function callOf(form: Form, called: Called): string {
  return CALLS[form](called);
}

const isEmpty = (values: object) => Object.keys(values).length === 0;

/** A text as Python and TypeScript both write it. */
const quoted = (text: string) => JSON.stringify(text);

/** JSON on one line, with room between its parts: as Python, TypeScript and JSON all read it. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, one]) => `${JSON.stringify(name)}: ${spaced(one)}`)
    .join(", ")}}`;
}

/** A text as one word of a POSIX shell. */
const inShell = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
