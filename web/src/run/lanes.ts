// Gathers a run's events into its transcript: every turn, every answer as it is written, and what each of them took.

import type {
  GenerationFinished,
  GenerationStarted,
  NodeFinished,
  NodeStarted,
  RunEvent,
  RunFinished,
  RunResumed,
  RunStarted,
  Token,
} from "./events";
import { laneKey, NO_TRANSCRIPT, turnKey, type Lane, type Place, type Stage, type Transcript, type Turn } from "./transcript";

/** Feed it a run's events in their order; ask it for the transcript at any time. */
export class TranscriptFold {
  private seen: Transcript = NO_TRANSCRIPT;
  private started: RunStarted | null = null;
  private ahead: number | null = null;
  private lanes = new Shelf<Lane>();
  private turns = new Shelf<Turn>();
  private stages: readonly Stage[] = [];
  /** Characters that each lane has, as the server counts them: one for an emoji, where JavaScript counts two. */
  private chars = new Map<string, number>();
  private isOver = false;

  apply(event: RunEvent): void {
    if (this.isOver) return;
    switch (event.type) {
      case "run_started":
        this.started = event;
        return;
      case "run_queued":
        this.ahead = event.ahead;
        return;
      case "run_resumed":
        return this.resume(event);
      case "node_started":
        return this.begin(event);
      case "waiting_for_person": {
        const question = { text: event.question, choices: event.choices, default: event.default };
        return this.turn(event, { state: "waiting_for_person", question });
      }
      case "person_answered":
        return this.turn(event, { state: "running", reply: event.text });
      case "vote_cast": {
        const { voter, choice, weight } = event;
        const votes = this.turns.get(turnKey(event.node, event.visit))?.votes ?? [];
        return this.turn(event, { votes: [...votes, { voter, choice, weight }] });
      }
      case "generation_started":
        return this.ask(event);
      case "token":
        return this.hear(event);
      case "restarted": {
        const { restarts } = this.lane(event);
        return this.clear(event, { restarts: restarts + 1, reason: event.reason });
      }
      case "generation_finished":
        return this.answer(event);
      case "node_finished":
        return this.finish(event);
      case "run_finished":
        return this.end(event);
    }
  }

  transcript(): Transcript {
    const { started, ahead, stages } = this;
    const lanes = this.lanes.shown();
    const turns = this.turns.shown();
    const { seen } = this;
    const isSame = lanes === seen.lanes && turns === seen.turns && started === seen.started && ahead === seen.ahead;
    if (!isSame) this.seen = { started, ahead, lanes, turns, stages };
    return this.seen;
  }

  private begin(event: NodeStarted): void {
    const { node, visit, kind, label, role, at } = event;
    const within = holder(node);
    const turn: Turn = {
      key: turnKey(node, visit),
      node,
      visit,
      kind,
      label,
      role,
      state: "running",
      startedAt: at,
      seconds: null,
      reused: false,
      output: null,
      next: [],
      votes: [],
      question: null,
      reply: null,
      lanes: [],
      within,
    };
    if (!this.turns.has(turn.key)) this.place(turn);
    this.turns.set(turn.key, turn);
  }

  /** What was cut off is had again: its time until then went with its process, and so did what had been said. */
  private resume({ at }: RunResumed): void {
    for (const turn of this.turns.values()) {
      if (!this.goesOn(turn)) continue;
      this.turns.set(turn.key, { ...turn, startedAt: at });
      for (const key of turn.lanes) {
        const lane = this.lanes.get(key);
        if (lane !== undefined && lane.state !== "done") this.lanes.set(key, { ...lane, wasCutOff: true });
      }
    }
  }

  /** Not what failed in a node that went on without it, and has ended: that is not had again. */
  private goesOn({ state, within }: Turn): boolean {
    return state === "running" && (within === null || this.turns.values().some((other) => other.node === within && this.goesOn(other)));
  }

  /** Turns that begin before one of them has ended go on side by side. */
  private place(turn: Turn): void {
    let at = this.stages.length - 1;
    while (at >= 0 && this.turns.get(this.stages[at]?.turns[0] ?? "")?.within !== turn.within) at -= 1;
    const stage = this.stages[at];
    const isGoing = stage?.turns.every((key) => this.turns.get(key)?.state !== "done");
    if (stage === undefined || !isGoing) this.stages = [...this.stages, { key: turn.key, turns: [turn.key] }];
    else {
      const wider = { ...stage, turns: [...stage.turns, turn.key] };
      this.stages = this.stages.map((other) => (other === stage ? wider : other));
    }
  }

  private ask(event: GenerationStarted): void {
    // What was being said when a process went away is asked for again: those words are void.
    this.clear(event, { state: "asked", request: event.request, askedAt: event.at, result: null });
  }

  private clear(place: Place, changes: Partial<Lane>): void {
    this.chars.delete(laneKey(place));
    this.change(place, { state: "asked", text: "", spokeAt: null, isBehind: false, ...changes });
  }

  private hear(token: Token): void {
    const lane = this.lane(token);
    if (lane.state === "done") return;
    const chars = this.chars.get(lane.key) ?? 0;
    if (token.offset > chars) return this.change(token, { isBehind: true });
    const kept = token.offset === chars ? lane.text : headOf(lane.text, token.offset);
    this.chars.set(lane.key, token.offset + charsIn(token.text));
    const spokeAt = lane.spokeAt ?? token.at;
    this.change(token, { state: "speaking", text: kept + token.text, spokeAt, isBehind: false });
  }

  private answer(event: GenerationFinished): void {
    const { result, reused, at } = event;
    this.chars.delete(laneKey(event));
    this.change(event, { state: "done", text: result.text, result, reused, doneAt: at, isBehind: false });
  }

  private finish(event: NodeFinished): void {
    const { output, seconds, reused, next } = event;
    this.turn(event, { state: "done", output, seconds, reused, next });
  }

  private end({ fault }: RunFinished): void {
    this.isOver = true;
    for (const turn of this.turns.values()) {
      if (turn.state === "done") continue;
      const isBlamed = fault !== null && (fault.node === null || standsWithin(fault.node, turn.node));
      this.turns.set(turn.key, { ...turn, state: isBlamed ? "failed" : "left" });
    }
    for (const lane of this.lanes.values()) {
      if (lane.state !== "done") this.lanes.set(lane.key, { ...lane, state: "left" });
    }
  }

  private turn({ node, visit }: { node: string; visit: number }, changes: Partial<Turn>): void {
    const key = turnKey(node, visit);
    const turn = this.turns.get(key);
    if (turn !== undefined) this.turns.set(key, { ...turn, ...changes });
  }

  private lane(place: Place): Lane {
    return this.lanes.get(laneKey(place)) ?? silent(place);
  }

  private change(place: Place, changes: Partial<Lane>): void {
    const key = laneKey(place);
    if (!this.lanes.has(key)) this.enter(place, key);
    this.lanes.set(key, { ...this.lane(place), ...changes });
  }

  private enter(place: Place, key: string): void {
    const lanes = this.turns.get(turnKey(place.node, place.visit))?.lanes ?? [];
    const before = lanes.filter((other) => (this.lanes.get(other)?.sample ?? 0) < place.sample);
    this.turn(place, { lanes: [...before, key, ...lanes.slice(before.length)] });
  }
}

/** A map that is copied only when it is shown after a change: tokens come far more often than frames. */
class Shelf<T> {
  private things = new Map<string, T>();
  private copy: ReadonlyMap<string, T> | null = null;

  get(key: string): T | undefined {
    return this.things.get(key);
  }

  has(key: string): boolean {
    return this.things.has(key);
  }

  set(key: string, thing: T): void {
    this.copy = null;
    this.things.set(key, thing);
  }

  values(): readonly T[] {
    return [...this.things.values()];
  }

  shown(): ReadonlyMap<string, T> {
    this.copy ??= new Map(this.things);
    return this.copy;
  }
}

function silent({ node, visit, sample }: Place): Lane {
  return {
    key: laneKey({ node, visit, sample }),
    node,
    visit,
    sample,
    state: "asked",
    text: "",
    request: null,
    result: null,
    reused: false,
    askedAt: null,
    spokeAt: null,
    doneAt: null,
    restarts: 0,
    reason: null,
    wasCutOff: false,
    isBehind: false,
  };
}

/** Of `each[2]/creator` and of `each~2/creator` the node is `each`; of a node of the run's own flow there is none. */
function holder(node: string): string | null {
  const end = node.lastIndexOf("/");
  return end < 0 ? null : node.slice(0, end).replace(/(~\d+)?(\[\d+\])?$/, "");
}

/** Whether a fault is the node's own, or that of one within it. */
function standsWithin(blamed: string, node: string): boolean {
  return blamed.startsWith(node) && ["", "/", "[", "~"].includes(blamed.charAt(node.length));
}

function charsIn(text: string): number {
  let chars = text.length;
  for (let at = 0; at < text.length - 1; at += 1) if (isPair(text, at)) chars -= 1;
  return chars;
}

/** The first so many characters of a text. */
function headOf(text: string, chars: number): string {
  let at = 0;
  for (let left = chars; left > 0 && at < text.length; left -= 1) at += isPair(text, at) ? 2 : 1;
  return text.slice(0, at);
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}
