// Keeps edits that the server does not have yet in this browser, so that a closed tab or a stopped server loses nothing.
import { readDocument, type FlowDoc } from "./document";

const KEY = "agent-lab.builder.";

export interface LocalCopy {
  readonly flow: FlowDoc;
  /** Of the version that the edits were made on. */
  readonly etag: string;
  /** ISO 8601. */
  readonly at: string;
  /** What was sent from here and not answered: it may have arrived, and then the edits were made on that. */
  readonly sent?: readonly FlowDoc[];
}

/** Where edits lie that cannot be saved until the user has chosen: out of the way of those that are made meanwhile. */
export function leftId(flowId: string): string {
  return `${flowId}/left`;
}

export interface Keeper {
  read(flowId: string): LocalCopy | null;
  write(flowId: string, copy: LocalCopy): void;
  drop(flowId: string): void;
}

/** In the storage of this browser; where there is none, or no room, nothing is kept. */
export const inBrowser: Keeper = {
  read: (flowId) => tried(() => copyIn(localStorage.getItem(KEY + flowId))) ?? null,
  write: (flowId, copy) => void tried(() => localStorage.setItem(KEY + flowId, JSON.stringify(copy))),
  drop: (flowId) => void tried(() => localStorage.removeItem(KEY + flowId)),
};

function copyIn(text: string | null): LocalCopy | null {
  const value = JSON.parse(text ?? "null") as Partial<Record<keyof LocalCopy, unknown>> | null;
  const flow = readDocument(value?.flow);
  if (flow === null || typeof value?.etag !== "string" || typeof value.at !== "string") return null;
  const sent = Array.isArray(value.sent) ? value.sent.map(readDocument).filter((one) => one !== null) : [];
  return { flow, etag: value.etag, at: value.at, sent };
}

function tried<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}
