// One run in mock mode: a list of events, of which those exist whose time has come.
import type { GenerationFinished, RunEvent, RunStarted, RunView, Token } from "@/run/events";
import { fold } from "@/run/reducer";
import type { RunInfo } from "./recording";
import { dueAt, laneOf, schedule, type Due } from "./schedule";

const ENDED = new Set(["completed", "declined", "failed", "cancelled", "limit_exceeded"]);

export class MockRun {
  private dues: Due[];
  /** What is left of it while it is paused. */
  private rest: readonly RunEvent[] = [];

  constructor(
    readonly id: string,
    /** The recorded run that it tells once more; its own id for that one itself. */
    readonly source: string,
    events: readonly RunEvent[],
    startMs: number,
  ) {
    this.dues = schedule(events, startMs);
  }

  /** Everything from number `from` of the list on whose time has come. */
  told(from: number, now: number): RunEvent[] {
    const found: RunEvent[] = [];
    let seq = this.dues.slice(0, from).filter(isStored).length;
    for (const due of this.dues.slice(from)) {
      if (due.at > now) break;
      if (isStored(due)) seq += 1;
      found.push(isStored(due) ? { ...due.event, seq } : due.event);
    }
    return found;
  }

  stored(now: number): RunEvent[] {
    return this.told(0, now).filter((event) => event.type !== "token");
  }

  /** What a reader who comes now needs to see of answers that are being written. */
  open(now: number): RunEvent[] {
    const texts = new Map<string, Token>();
    for (const event of this.told(0, now)) {
      if (event.type === "token") {
        const before = texts.get(laneOf(event));
        const text = (before?.text ?? "") + event.text;
        texts.set(laneOf(event), { ...(before ?? event), offset: 0, text });
      }
      if (event.type === "generation_finished") texts.delete(laneOf(event));
    }
    return [...texts.values()];
  }

  view(now: number): RunView {
    return fold(this.stored(now));
  }

  get started(): RunStarted {
    const first = this.dues[0]?.event;
    if (first?.type !== "run_started") throw new Error("a run begins with its beginning");
    return first;
  }

  info(now: number): RunInfo {
    const { run_id, flow_id, flow_hash, flow_version, status, prompt, request_id, parent_run_id, only_node, ...view } = this.view(now);
    const { calls, cost_usd, seconds } = view.totals;
    const models = [...new Set(this.stored(now).filter(isAnswer).map((event) => event.result.model_key))];
    const figures = ENDED.has(status) ? { calls, cost_usd, seconds } : { calls: null, cost_usd: null, seconds: null };
    return {
      ...{ run_id, flow_id, flow_hash, flow_version, status, prompt, request_id, parent_run_id, only_node, ...figures },
      ...{ caller: "", created_at: view.created_at ?? "", finished_at: view.finished_at, models },
    };
  }

  hasEnded(now: number): boolean {
    return ENDED.has(this.view(now).status);
  }

  cancel(now: number): void {
    const { seconds } = this.view(now).totals;
    this.cut(now, [
      { type: "run_finished", seq: 0, at: "", status: "cancelled", answer: null, fault: null, seconds, totals: null },
    ]);
  }

  /** Stops it once the answers in flight are there; says when that is. */
  pause(now: number): number {
    const open = new Set<string>();
    let at = now;
    for (const due of this.dues) {
      if (due.at > now && open.size === 0) break;
      if (due.event.type === "generation_started") open.add(laneOf(due.event));
      if (due.event.type === "generation_finished" && open.delete(laneOf(due.event))) at = Math.max(now, due.at);
    }
    this.rest = this.dues.filter((due) => due.at > at && due.event.type !== "token").map((due) => due.event);
    this.cut(at, [{ type: "run_paused", seq: 0, at: "" }]);
    return at;
  }

  resume(now: number): void {
    const recorded_steps = this.stored(now).filter(isAnswer).length;
    this.cut(now, [{ type: "run_resumed", seq: 0, at: "", recorded_steps }]);
    this.dues.push(...schedule(this.rest, now + 1));
    this.rest = [];
  }

  /** Goes on as the recorded run did after that answer. */
  answer(now: number, events: readonly RunEvent[]): void {
    this.dues.push(...schedule(events, now));
  }

  private cut(at: number, then: readonly RunEvent[]): void {
    this.dues = [...this.dues.filter((due) => due.at <= at), ...then.map((event) => dueAt(at, event))];
  }
}

function isStored({ event }: Due): boolean {
  return event.type !== "token";
}

function isAnswer(event: RunEvent): event is GenerationFinished {
  return event.type === "generation_finished";
}
