// Keeps the state of one run up to date as its events come: at most one change per frame, however fast they do.

import { BROWSER } from "./browser";
import type { Connection, Surroundings } from "./connection";
import type { RunEvent, RunView } from "./events";
import { NO_WORK, worked, type Work } from "./figures";
import { TranscriptFold } from "./lanes";
import { RunFold } from "./reducer";
import { RunStream } from "./stream";
import { NO_TRANSCRIPT, type Transcript } from "./transcript";

export interface RunState {
  readonly runId: string;
  readonly connection: Connection;
  /** Null until the first event has come. */
  readonly view: RunView | null;
  readonly transcript: Transcript;
  readonly work: Work;
  /** How far the server's clock is ahead of the page's. */
  readonly clockAheadMs: number;
  /** When this reader was last connected, by the server's clock, to `CLOCK_MS`. */
  readonly openedMs: number;
  /** True once the server says what this page does not know: it must be loaded anew. */
  readonly isOutdated: boolean;
}

export interface FollowerOptions {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly around?: Surroundings;
  /** Calls `draw` at the next frame. */
  readonly nextFrame?: (draw: () => void) => void;
  readonly onChange: (state: RunState) => void;
}

/** The server's clock is known to half a second: what is said to be no later than this after the opening was there before. */
export const CLOCK_MS = 500;
/** What was there before comes in pieces, each upon the heels of the one before it. */
const QUIET_MS = 150;
/** However long the past is, something is to be seen of it by then. */
const LONGEST_MS = 2_000;

export function unheard(runId: string): RunState {
  return {
    runId,
    connection: { state: "connecting" },
    view: null,
    transcript: NO_TRANSCRIPT,
    work: NO_WORK,
    clockAheadMs: 0,
    openedMs: 0,
    isOutdated: false,
  };
}

/** Follows one run from `start` until it ends or `close` is called. */
export class RunFollower {
  private state: RunState;
  private fold = new RunFold();
  private telling = new TranscriptFold();
  private stream: RunStream;
  private isDrawing = false;
  private isStored = false;
  private isCaughtUp = false;
  private forgetQuiet: () => void = () => undefined;
  private forgetLongest: (() => void) | undefined;

  private readonly around: Surroundings;

  constructor(
    runId: string,
    private readonly options: FollowerOptions,
  ) {
    this.around = options.around ?? BROWSER;
    this.state = unheard(runId);
    this.stream = new RunStream({
      url: options.url,
      headers: options.headers ?? {},
      around: this.around,
      onEvents: (events) => this.take(events),
      onConnection: (connection) => {
        this.state = { ...this.state, connection };
        if (connection.state === "open") this.state = { ...this.state, openedMs: this.around.now() + this.state.clockAheadMs };
        this.draw();
      },
      onClock: (clockAheadMs) => {
        this.state = { ...this.state, clockAheadMs };
      },
    });
  }

  start(): void {
    this.stream.start();
  }

  close(): void {
    this.forgetQuiet();
    this.forgetLongest?.();
    this.stream.close();
  }

  /** Try the connection now. */
  retry(): void {
    this.stream.retry();
  }

  private take(events: readonly RunEvent[]): void {
    let { work } = this.state;
    try {
      for (const event of events) {
        this.fold.apply(event);
        this.telling.apply(event);
        work = worked(work, event);
        this.isStored ||= event.type !== "token";
      }
    } catch {
      // Both folds are made of the server's own types: only an older page meets an event that it does not know.
      this.state = { ...this.state, isOutdated: true };
      this.stream.close();
    }
    this.state = { ...this.state, work };
    if (!this.isCaughtUp && this.arePast(events)) this.hold();
    else this.catchUp();
  }

  private arePast(events: readonly RunEvent[]): boolean {
    return Date.parse(events.at(-1)?.at ?? "") < this.state.openedMs + CLOCK_MS;
  }

  /** Shows nothing of the past before all of it is there: the page would be built anew with each piece, and jump. */
  private hold(): void {
    this.forgetQuiet();
    this.forgetQuiet = this.around.after(QUIET_MS, () => this.catchUp());
    this.forgetLongest ??= this.around.after(LONGEST_MS, () => this.catchUp());
  }

  private catchUp(): void {
    this.isCaughtUp = true;
    this.forgetQuiet();
    this.forgetLongest?.();
    this.drawSoon();
  }

  private drawSoon(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    (this.options.nextFrame ?? requestAnimationFrame)(() => {
      if (this.isDrawing) this.draw();
    });
  }

  private draw(): void {
    this.isDrawing = false;
    const view = this.isStored ? this.fold.view() : this.state.view;
    this.isStored = false;
    this.state = { ...this.state, view, transcript: this.telling.transcript() };
    this.options.onChange(this.state);
  }
}
