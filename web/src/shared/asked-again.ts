// Hands what a run was asked over to the console: to be asked anew with a change, or to be followed by another question.
import type { Message, RunRequest } from "@/run/events";

export type Asked = Pick<RunRequest, "flow" | "prompt" | "inputs" | "options">;

const KEPT = "agent-lab.asked-again";

/** For the console, which is gone to next. False where this browser keeps nothing. */
export function handOver({ flow, prompt, inputs, options }: Asked): boolean {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ flow, prompt, inputs, options } satisfies Asked));
    return true;
  } catch {
    return false;
  }
}

/** What was handed over, once. */
export function takeOver(): Asked | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
    return isAsked(kept) ? kept : null;
  } catch {
    return null;
  }
}

/** So many messages, the newest ones, go on with a conversation: a browser keeps no more than some megabytes. */
export const MOST_MESSAGES = 50;

/** The next question of the same conversation, not yet written: what was asked and answered is told before it. */
export function followedUp(asked: Asked, answer: string): Asked {
  const history = [...asked.options.history, said("user", asked.prompt), said("assistant", answer)].slice(-MOST_MESSAGES);
  return { ...asked, prompt: "", options: { ...asked.options, history } };
}

function said(role: string, content: string): Message {
  return { role, content, images: [], tool_calls: [], tool_call_id: null };
}

function isAsked(kept: unknown): kept is Asked {
  if (!isObject(kept) || !isObject(kept["options"]) || !isObject(kept["options"]["limits"])) return false;
  return typeof kept["prompt"] === "string" && typeof kept["flow"] === "string" && Array.isArray(kept["options"]["history"]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
