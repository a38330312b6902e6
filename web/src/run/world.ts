// A world for tests of the stream: a clock that goes when told, a server of scripted answers, a page that can be hidden.

import type { Surroundings } from "./connection";
import type { RunEvent } from "./events";

interface Timer {
  readonly at: number;
  readonly then: () => void;
}

export interface Asked {
  readonly url: string;
  readonly after: number;
  readonly headers: Headers;
  readonly signal: AbortSignal;
}

export type Answer = (asked: Asked) => Response | Promise<Response>;

export class World implements Surroundings {
  time = 0;
  isHidden = false;
  readonly asked: Asked[] = [];
  private timers = new Set<Timer>();
  private watchers = new Set<() => void>();

  /** Each request is answered by the next of these; the last one answers all that follow. */
  constructor(private readonly answers: readonly Answer[]) {}

  async fetch(url: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    const after = Number(headers.get("last-event-id") ?? 0);
    const asked: Asked = { url, after, headers, signal: init.signal ?? new AbortController().signal };
    const answer = this.answers[Math.min(this.asked.length, this.answers.length - 1)];
    this.asked.push(asked);
    if (answer === undefined) throw new TypeError("Failed to fetch");
    return answer(asked);
  }

  now(): number {
    return this.time;
  }

  after(ms: number, then: () => void): () => void {
    const timer = { at: this.time + ms, then };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  random(): number {
    return 1;
  }

  hidden(): boolean {
    return this.isHidden;
  }

  watchHidden(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => void this.watchers.delete(changed);
  }

  get watched(): number {
    return this.watchers.size;
  }

  get waiting(): number {
    return this.timers.size;
  }

  hide(isHidden: boolean): void {
    this.isHidden = isHidden;
    for (const changed of this.watchers) changed();
  }

  /** Let so many milliseconds go by, and whatever follows from it happen. */
  async pass(ms: number): Promise<void> {
    await settled();
    this.time += ms;
    for (const timer of [...this.timers].sort((one, other) => one.at - other.at)) {
      if (timer.at > this.time || !this.timers.delete(timer)) continue;
      timer.then();
      await settled();
    }
    await settled();
  }
}

/** Everything that can happen without time going by has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await aTurn();
}

/** One turn of the event loop; a timer would take a millisecond for it. */
function aTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** An event as the server writes it into the stream. */
export function written(event: RunEvent): string {
  const id = event.seq ? `id: ${event.seq}\r\n` : "";
  return `${id}event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`;
}

export function bytesOf(events: readonly RunEvent[]): Uint8Array {
  return new TextEncoder().encode(events.map(written).join(""));
}

/** A stream of these chunks that then ends, breaks, or stays open until it is left. */
export function streaming(chunks: readonly Uint8Array[], then: "end" | "break" | "stay" = "end"): Answer {
  return ({ signal }) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        if (then === "end") controller.close();
        signal.addEventListener("abort", () => {
          if (then === "stay") controller.error(new DOMException("left", "AbortError"));
        });
      },
      pull(controller) {
        if (then === "break") controller.error(new TypeError("network error"));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  };
}

/** What the server would say to a reader who has the events up to that number. */
export function honest(events: readonly RunEvent[]): Answer {
  return (asked) => {
    const seen = asked.after === 0 ? -1 : events.findIndex((event) => event.seq === asked.after);
    return streaming([bytesOf(events.slice(seen + 1))], "stay")(asked);
  };
}

export function problem(status: number, type: string, detail: string, headers: Record<string, string> = {}): Answer {
  return () =>
    new Response(JSON.stringify({ type: `urn:agent-lab:problem:${type}`, title: "", status, detail }), {
      status,
      headers: { "content-type": "application/problem+json", ...headers },
    });
}
