// What a new node of each kind says at first, so that it can be run with as little more as possible.
import { freeId, takenNames, type FlowDoc, type NodeDoc } from "../document";

type Settings = Readonly<Record<string, unknown>>;

/** `after`: the node that it follows. */
const STARTERS: Readonly<Record<string, (after: string | null) => Settings>> = {
  generate: (after) => ({ prompt: after === null ? "{user_input}" : "{user_input}\n\n{previous_output}" }),
  map: (after) => ({ lines: after === null ? "{user_input}" : "{previous_output}", prompt: "{item}" }),
  subflow: (after) => ({ flow: "challenge", prompt: after === null ? "{user_input}" : "{previous_output}" }),
  human: (after) => ({ question: after === null ? "{user_input}" : "{previous_output}", choices: ["Yes", "No"] }),
  transform: (after) => ({ op: "count", of: after ?? "user_input" }),
  tool: () => ({ tool: "" }),
};

/** A node of that kind under a name that is free. */
export function newNode(flow: FlowDoc, kind: string, after: string | null): NodeDoc {
  return { id: freeId(takenNames(flow), kind), kind, ...STARTERS[kind]?.(after) };
}
