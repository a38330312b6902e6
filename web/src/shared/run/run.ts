"use client";

// A run as it goes on, for the components of a screen: each looks at its own part, and only what changed renders.
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { useStore } from "zustand";
import { createStore, type StoreApi } from "zustand/vanilla";
import { BROWSER } from "@/run/browser";
import type { Connection, Surroundings } from "@/run/connection";
import type { NodeView, RunView } from "@/run/events";
import { workedS } from "@/run/figures";
import { RunFollower, unheard, type RunState } from "@/run/follower";
import type { Lane, Transcript, Turn } from "@/run/transcript";
import { API_URL, ask } from "@/shared/api/client";
import { useSession } from "@/shared/api/queries";

/** A run that is followed. Give it to the hooks below. */
export interface Run {
  readonly id: string | null;
  readonly store: StoreApi<RunState>;
  /** Try the connection now, where it is lost. */
  readonly retry: () => void;
}

interface FollowedRun extends Run {
  /** Follows it until what this returns is called. */
  readonly follow: () => () => void;
}

const DOOR: Surroundings = { ...BROWSER, fetch: (url, init) => ask(url, init) };
/** One break is mended before anybody notices. */
const BREAKS_UNSAID = 1;

/** Follows a run while the component is there; `null` follows nothing. Another id is another run. */
export function useRun(runId: string | null): Run {
  const run = useMemo(() => followed(runId), [runId]);
  useEffect(() => run.follow(), [run]);
  return run;
}

function followed(id: string | null): FollowedRun {
  const store = createStore<RunState>(() => unheard(id ?? ""));
  let follower: RunFollower | null = null;
  const retry = () => follower?.retry();
  const follow = () => {
    if (id === null) return () => undefined;
    const url = `${API_URL}/api/runs/${encodeURIComponent(id)}/events`;
    const mine = new RunFollower(id, {
      url,
      around: DOOR,
      onChange: (state) => {
        if (follower !== mine) return;
        tellSession(store.getState().connection, state.connection);
        store.setState(state, true);
      },
    });
    follower = mine;
    mine.start();
    const forget = useSession.subscribe((now, before) => now.reachable && !before.reachable && mine.retry());
    return () => {
      forget();
      follower = null;
      mine.close();
    };
  };
  return { id, store, retry, follow };
}

/** What the stream finds out of the server, every other part of the page need not find out again. */
function tellSession(before: Connection, now: Connection): void {
  if (before === now) return;
  if (now.state === "refused" && now.trouble.status === 401) useSession.setState({ signedOut: true, reachable: true });
  if (now.state === "lost" && now.trouble.kind === "unreachable" && now.attempt > BREAKS_UNSAID)
    useSession.setState({ reachable: false });
  if (now.state === "open" && !useSession.getState().reachable) useSession.setState({ reachable: true });
}

/** A part of the run's state. `select` must give the same object for the same part. */
export function useRunState<T>(run: Run, select: (state: RunState) => T): T {
  return useStore(run.store, select);
}

/** Null until the first event has come. */
export function useRunView(run: Run): RunView | null {
  return useRunState(run, (state) => state.view);
}

export function useConnection(run: Run): Connection {
  return useRunState(run, (state) => state.connection);
}

export function useTranscript<K extends keyof Transcript>(run: Run, part: K): Transcript[K] {
  return useRunState(run, (state) => state.transcript[part]);
}

/** A node as the events have left it; undefined where the run has none of that name. */
export function useNode(run: Run, id: string): NodeView | undefined {
  return useRunState(run, (state) => state.view?.nodes.find((node) => node.id === id));
}

export function useTurn(run: Run, key: string): Turn | undefined {
  return useRunState(run, (state) => state.transcript.turns.get(key));
}

export function useLane(run: Run, key: string): Lane | undefined {
  return useRunState(run, (state) => state.transcript.lanes.get(key));
}

/** The lanes of a node's newest turn, by their keys. */
export function useNewestLanes(run: Run, node: string): readonly string[] {
  return useRunState(run, ({ transcript }) => newestTurn(transcript, node)?.lanes ?? NO_LANES);
}

const NO_LANES: readonly string[] = [];

function newestTurn({ turns }: Transcript, node: string): Turn | undefined {
  let found: Turn | undefined;
  for (const turn of turns.values()) if (turn.node === node && turn.visit >= (found?.visit ?? 0)) found = turn;
  return found;
}

const TICK_MS = 1_000;
const LOOK_MS = 250;

/** The server's clock, in milliseconds, a second exact; it stands still while nothing is going on. */
export function useServerNow(run: Run, isTicking: boolean): number {
  const ahead = useRunState(run, (state) => state.clockAheadMs);
  const now = useSyncExternalStore(isTicking ? subscribeToTicks : NO_TICKS, currentTick, () => 0);
  return now + ahead;
}

/** Seconds that the run was worked on so far. */
export function useWorkedS(run: Run): number {
  const work = useRunState(run, (state) => state.work);
  const now = useServerNow(run, work.since !== null);
  return workedS(work, now);
}

const readers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

const NO_TICKS = () => () => undefined;

function currentTick(): number {
  return Math.floor(Date.now() / TICK_MS) * TICK_MS;
}

function subscribeToTicks(reader: () => void): () => void {
  readers.add(reader);
  timer ??= setInterval(() => readers.forEach((one) => one()), LOOK_MS);
  return () => {
    readers.delete(reader);
    if (readers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
