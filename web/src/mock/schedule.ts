// When each event of a recorded run is told once more, with its answers written piece by piece.
import type { GenerationFinished, RunEvent, RunStarted } from "@/run/events";
import { isoAt } from "./recording";

export interface Due {
  /** Milliseconds. */
  readonly at: number;
  readonly event: RunEvent;
}

/** The run, its first event at that time. Numbers are given when it is told. */
export function schedule(events: readonly RunEvent[], startMs: number): Due[] {
  const first = Date.parse(events[0]?.at ?? isoAt(startMs));
  const asked = new Map<string, number>();
  const dues: Due[] = [];
  for (const event of events) {
    const at = startMs + Date.parse(event.at) - first;
    if (event.type === "generation_started") asked.set(laneOf(event), at);
    if (event.type === "generation_finished") dues.push(...pieces(event, asked.get(laneOf(event)) ?? at, at));
    dues.push(dueAt(at, event));
  }
  // A stable sort: what was told at one moment stays in its order.
  return dues.sort((one, other) => one.at - other.at);
}

/** The same run under another id, asked something else. */
export function replayed(events: readonly RunEvent[], change: Partial<RunStarted>): RunEvent[] {
  return events.map((event) => (event.type === "run_started" ? { ...event, ...change } : event));
}

export function dueAt(at: number, event: RunEvent): Due {
  return { at, event: { ...event, seq: 0, at: isoAt(at) } };
}

export function laneOf({ node, visit, sample }: { node: string; visit: number; sample: number }): string {
  return `${node} ${visit} ${sample}`;
}

const WORD = /\s*\S+\s*/g;

function pieces({ node, visit, sample, result, reused }: GenerationFinished, from: number, to: number): Due[] {
  const words = result.text.match(WORD) ?? [];
  if (reused || to <= from) return [];
  const begins = from + Math.min(to - from, (result.timings.first_token_s ?? 0) * 1000);
  let offset = 0;
  return words.map((text, index) => {
    const at = begins + ((to - begins) * index) / words.length;
    const due = dueAt(at, { type: "token", seq: 0, at: "", node, visit, sample, offset, text });
    offset += text.length;
    return due;
  });
}
