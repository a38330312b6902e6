// Follows a run's events over a connection that may break: tells each stored event once, in order, and how it stands.

import { createParser } from "eventsource-parser";

import { lost, refusal, waitMs, type Connection, type Outcome, type Surroundings, type Trouble } from "./connection";
import type { RunEvent } from "./events";

export interface StreamOptions {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The number of the last stored event that is there already. */
  readonly after?: number;
  readonly around: Surroundings;
  /** Stored events, each once and without a gap, and pieces of answers between them. */
  readonly onEvents: (events: readonly RunEvent[]) => void;
  readonly onConnection: (connection: Connection) => void;
  /** How far the server's clock is ahead of the page's, in milliseconds, as far as the answer tells. */
  readonly onClock?: (aheadMs: number) => void;
}

/** The server says at least something every fifteen seconds. */
export const SILENCE_MS = 45_000;
/** A page that is hidden for so long gives its connection back: a browser opens six to one host. */
export const HIDDEN_MS = 5_000;
const STEADY_MS = 20_000;

/** One reader of one run. `start` it once; it ends with the run, with `close`, or where the server refuses. */
export class RunStream {
  private last: number;
  private attempt = 0;
  private over = false;
  private standing: Connection = { state: "closed" };
  private aborter = new AbortController();
  private wake: () => void = () => undefined;
  private unwatch: () => void = () => undefined;
  private forgetHidden: () => void = () => undefined;

  constructor(private readonly options: StreamOptions) {
    this.last = options.after ?? 0;
  }

  start(): void {
    this.unwatch = this.options.around.watchHidden(() => this.look());
    void this.follow();
  }

  /** Stop reading; the run goes on without this reader. */
  close(): void {
    this.end({ state: "closed" });
    this.aborter.abort();
    this.wake();
  }

  /** Try again now, where the next attempt is being waited for. */
  retry(): void {
    if (this.standing.state === "lost") this.wake();
  }

  private async follow(): Promise<void> {
    while (!this.over) {
      if (this.options.around.hidden()) {
        this.tell({ state: "resting" });
        await this.pause(null);
        continue;
      }
      if (this.standing.state !== "lost") this.tell({ state: "connecting" });
      const outcome = await this.connect();
      if (this.over) return;
      if (outcome.is === "ended") return this.end({ state: "ended" });
      if (outcome.is === "refused") return this.end({ state: "refused", trouble: outcome.trouble });
      if (outcome.is === "lost") await this.waitOut(outcome.trouble, outcome.atLeastMs);
    }
  }

  private async waitOut(trouble: Trouble, atLeastMs: number): Promise<void> {
    const { around } = this.options;
    const ms = Math.max(atLeastMs, waitMs(this.attempt, around.random()));
    this.attempt += 1;
    this.tell({ state: "lost", trouble, attempt: this.attempt, retryAt: around.now() + ms });
    await this.pause(ms);
  }

  /** Until the time is up, or somebody wakes it. */
  private pause(ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const forget = ms === null ? () => undefined : this.options.around.after(ms, () => this.wake());
      this.wake = () => {
        forget();
        this.wake = () => undefined;
        resolve();
      };
    });
  }

  /** The page was hidden, or is seen again. */
  private look(): void {
    const { around } = this.options;
    this.forgetHidden();
    if (around.hidden()) this.forgetHidden = around.after(HIDDEN_MS, () => this.aborter.abort());
    else this.wake();
  }

  private async connect(): Promise<Outcome> {
    const aborter = new AbortController();
    this.aborter = aborter;
    const hearing = new Hearing(this.options.around, aborter);
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream", ...this.options.headers };
      if (this.last > 0) headers["Last-Event-ID"] = String(this.last);
      const response = await this.options.around.fetch(this.options.url, {
        headers,
        signal: aborter.signal,
        cache: "no-store",
      });
      return await this.hear(response, hearing);
    } catch {
      if (hearing.silent) return lost("silent");
      return aborter.signal.aborted ? { is: "left" } : lost(hearing.began ? "cut" : "unreachable");
    } finally {
      hearing.stop();
      aborter.abort();
    }
  }

  private async hear(response: Response, hearing: Hearing): Promise<Outcome> {
    if (response.status === 204) return { is: "ended" };
    if (!response.ok) return refusal(response);
    if (response.body === null || !/^text\/event-stream\b/.test(response.headers.get("content-type") ?? ""))
      return lost("garbled");
    this.tellClock(response);
    this.tell({ state: "open" });
    hearing.begin();
    return this.read(response.body.getReader(), hearing);
  }

  private async read(reader: ReadableStreamDefaultReader<Uint8Array>, hearing: Hearing): Promise<Outcome> {
    let batch: RunEvent[] = [];
    const parser = createParser({ onEvent: ({ data }) => void batch.push(JSON.parse(data) as RunEvent) });
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return lost("cut");
      hearing.heard();
      if (hearing.openMs() > STEADY_MS) this.attempt = 0;
      let isGarbled = false;
      try {
        parser.feed(decoder.decode(value, { stream: true }));
      } catch {
        isGarbled = true; // what came whole before it is still told
      }
      const outcome = this.pass(batch, isGarbled);
      if (outcome !== null) return outcome;
      batch = [];
    }
  }

  /** Tells what is new; null where the stream goes on. */
  private pass(batch: readonly RunEvent[], isGarbled: boolean): Outcome | null {
    const { news, gap } = this.sift(batch);
    if (news.length > 0) {
      this.attempt = 0;
      this.options.onEvents(news);
    }
    if (this.over) return { is: "left" };
    if (news.at(-1)?.type === "run_finished") return { is: "ended" };
    return isGarbled || gap ? lost("garbled") : null;
  }

  /** What is new of these, up to the first that does not follow on what is there. */
  private sift(events: readonly RunEvent[]): { news: RunEvent[]; gap: boolean } {
    const news: RunEvent[] = [];
    for (const event of events) {
      if (event.seq > this.last + 1) return { news, gap: true };
      if (event.seq > this.last) this.last = event.seq;
      else if (event.seq !== 0) continue;
      news.push(event);
      if (event.type === "run_finished") break;
    }
    return { news, gap: false };
  }

  private tellClock(response: Response): void {
    const theirs = Date.parse(response.headers.get("date") ?? "");
    // The header has whole seconds: on average half of one has gone by.
    if (!Number.isNaN(theirs)) this.options.onClock?.(theirs + 500 - this.options.around.now());
  }

  private tell(connection: Connection): void {
    this.standing = connection;
    this.options.onConnection(connection);
  }

  private end(connection: Connection): void {
    if (this.over) return;
    this.over = true;
    this.unwatch();
    this.forgetHidden();
    this.tell(connection);
  }
}

/** Notices when a connection that looks open says nothing any more, as after a night in a closed laptop. */
class Hearing {
  silent = false;
  began = false;
  private openedAt = 0;
  private forget: () => void = () => undefined;

  constructor(
    private readonly around: Surroundings,
    private readonly aborter: AbortController,
  ) {
    this.heard();
  }

  begin(): void {
    this.began = true;
    this.openedAt = this.around.now();
  }

  openMs(): number {
    return this.around.now() - this.openedAt;
  }

  heard(): void {
    this.forget();
    this.forget = this.around.after(SILENCE_MS, () => {
      this.silent = true;
      this.aborter.abort();
    });
  }

  stop(): void {
    this.forget();
  }
}
