// A run's events as the server streams them: what was there first, the rest as it comes.
import type { RunEvent } from "@/run/events";
import { nothing } from "./answers";
import type { MockRun } from "./run";

/** What mock mode needs of the world, so that a test can be the world. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Calls `then` after so many milliseconds, unless what it returns is called before. */
  after(ms: number, then: () => void): () => void;
}

const LOOK_MS = 40;

export function streamOf(run: MockRun, after: number, clock: Clock, signal: AbortSignal | null | undefined): Response {
  const now = clock.now();
  const stored = run.stored(now);
  if (run.hasEnded(now) && after >= stored.length) return nothing();
  let forget: () => void = () => undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const say = (events: readonly RunEvent[]) =>
        events.length > 0 && controller.enqueue(new TextEncoder().encode(events.map(written).join("")));
      const told = run.told(0, now);
      let seen = told.length;
      say([...stored.filter((event) => event.seq > after), ...run.open(now)]);
      const look = () => {
        const news = run.told(seen, clock.now());
        seen += news.length;
        say(news);
        if (run.hasEnded(clock.now()) && run.told(seen, clock.now()).length === 0) return controller.close();
        forget = clock.after(LOOK_MS, look);
      };
      signal?.addEventListener("abort", () => {
        forget();
        controller.error(new DOMException("left", "AbortError"));
      });
      look();
    },
    cancel: () => forget(),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8", date: new Date(now).toUTCString() } });
}

function written(event: RunEvent): string {
  const id = event.seq > 0 ? `id: ${event.seq}\n` : "";
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
