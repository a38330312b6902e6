// What the real lab answered when it was recorded, with every time moved as if that had been just now.
import type { components } from "@/shared/api/schema";
import type { RunEvent } from "@/run/events";

type Schemas = components["schemas"];
export type Flow = Schemas["FlowDocument"];
export type FlowEntry = Schemas["FlowEntry"];
export type RunInfo = Schemas["RunInfo"];
export type CachedModel = Schemas["CachedModel"];

export interface Recording {
  readonly now: string;
  /** By method and path; of those that ask something in a body, by what they ask too. */
  readonly answers: Readonly<Record<string, unknown>>;
  readonly runs: readonly (readonly RunEvent[])[];
  /** How a run that waits for a person went on, by the answer. */
  readonly tails: Readonly<Record<string, Readonly<Record<string, readonly RunEvent[]>>>>;
}

const MOMENT = /"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00))"/g;

/** The same recording, made at that time. */
export function movedTo(recording: Recording, nowMs: number): Recording {
  const ms = nowMs - Date.parse(recording.now);
  const text = JSON.stringify(recording).replace(MOMENT, (_, moment: string) => JSON.stringify(isoAt(Date.parse(moment) + ms)));
  return JSON.parse(text) as Recording;
}

export function isoAt(ms: number): string {
  return new Date(ms).toISOString();
}
