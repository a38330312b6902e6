// Saves a flow while it is edited: sends what is due, keeps a copy here until it has arrived, tells who was first.
import { ApiProblem, Unreachable } from "@/shared/api/problem";
import { noteAnswer, noteError } from "@/shared/api/queries";
import { sameDocument, type FlowDoc } from "./document";
import type { Builder } from "./store";
import { readFlow, saveFlow, type OpenedFlow } from "./store-api";
import { inBrowser, leftId, type Keeper } from "./store-local";

const LOCAL_MS = 250;
/** Of what was sent without an answer, so much is kept. */
const MOST_SENT = 3;

export interface SaveDoor {
  save(flow: FlowDoc, etag: string, autosave: boolean): Promise<string>;
  read(id: string): Promise<OpenedFlow>;
  keeper: Keeper;
}

const SERVER: SaveDoor = { save: saveFlow, read: readFlow, keeper: inBrowser };

export interface Autosave {
  /** The page is about to be left: keep what is not saved. */
  leave(): void;
  stop(): void;
}

/** From now on the builder's `flush` saves too. */
export function startAutosave(builder: Builder, door: SaveDoor = SERVER): Autosave {
  const { flowId } = builder.getState();
  const timers: { due?: ReturnType<typeof setTimeout>; local?: ReturnType<typeof setTimeout> } = {};
  const unanswered: FlowDoc[] = [];
  let sending: Promise<void> | null = null;
  let held: Promise<unknown> | null = null;
  // Another tab may keep its own edits of this flow here: only what this one wrote, or took up, is its to drop.
  const takenUp = builder.getState().saving.phase === "saved" ? undefined : door.keeper.read(flowId)?.at;
  let kept: { name: string; at: string } | null = takenUp === undefined ? null : { name: flowId, at: takenUp };

  const arm = () => {
    clearTimeout(timers.due);
    const { saving } = builder.getState();
    if (saving.sending !== null) {
      sending ??= send(builder, door, saving.sending, unanswered).finally(() => {
        sending = null;
        arm();
      });
    } else if (saving.dueAt !== null) {
      // A timer may be early by a part of a millisecond: then it is set once more.
      timers.due = setTimeout(() => {
        if (held !== null) return;
        builder.getState().saves({ is: "due" });
        arm();
      }, Math.max(1, saving.dueAt - Date.now()));
    }
  };

  const keep = () => {
    clearTimeout(timers.local);
    const { history, saving } = builder.getState();
    // The tab that was first goes on saving, and keeps its own edits where these lay.
    const name = saving.phase === "saved" ? null : saving.phase === "conflict" ? leftId(flowId) : flowId;
    if (kept !== null && kept.name !== name && door.keeper.read(kept.name)?.at === kept.at) door.keeper.drop(kept.name);
    kept = name === null ? null : { name, at: new Date().toISOString() };
    if (kept === null) return;
    const sent = [...unanswered, ...(saving.sending === null ? [] : [saving.sending])].slice(-MOST_SENT);
    door.keeper.write(kept.name, { flow: history.now, etag: saving.kept.etag, at: kept.at, sent });
  };

  const stop = builder.subscribe((state, before) => {
    if (state.saving !== before.saving) arm();
    if (state.history === before.history && state.saving.phase === before.saving.phase) return;
    clearTimeout(timers.local);
    timers.local = setTimeout(keep, LOCAL_MS);
  });
  const flush = async () => {
    for (let tries = 0; tries < 3; tries += 1) {
      await held;
      builder.getState().saves({ is: "now" });
      if (sending === null) return;
      await sending;
    }
  };
  const alone = async <T>(doing: () => Promise<T>): Promise<T> => {
    await flush();
    const mine = doing();
    held = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      held = null;
      arm();
    }
  };
  builder.setState({ flush, alone });
  arm();

  return {
    leave: keep,
    stop: () => {
      stop();
      clearTimeout(timers.due);
      if (timers.local !== undefined) keep();
    },
  };
}

/** `unanswered`: what was sent before without an answer, which may have arrived. */
async function send(builder: Builder, door: SaveDoor, flow: FlowDoc, unanswered: FlowDoc[]): Promise<void> {
  const { saves, saving } = builder.getState();
  try {
    const etag = await door.save(flow, saving.kept.etag, true);
    unanswered.length = 0;
    noteAnswer();
    saves({ is: "saved", etag });
  } catch (error) {
    noteError(error);
    if (error instanceof ApiProblem && error.status === 412) return settle(builder, door, [...unanswered.splice(0), flow], error);
    if (error instanceof Unreachable) unanswered.push(flow);
    saves({ is: "failed", why: isAway(error) ? "offline" : "refused", error });
  }
}

/** It was changed since. Where the other change is one of our own, whose answer was lost on its way, nothing is wrong. */
async function settle(builder: Builder, door: SaveDoor, ours: readonly FlowDoc[], error: ApiProblem): Promise<void> {
  const { saves, flowId } = builder.getState();
  try {
    const { flow, etag } = await door.read(flowId);
    // Also where nothing of it is another: somebody has published what these edits were made on.
    const known = [...ours, builder.getState().saving.kept.document];
    if (etag !== null && flow !== null && known.some((one) => sameDocument(one, flow))) {
      return saves({ is: "adopted", kept: { document: flow, etag } });
    }
  } catch {
    // Then it is told as what it most likely is.
  }
  saves({ is: "failed", why: "conflict", error });
}

/** The server, or the way to it: another try may do. */
function isAway(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof ApiProblem && (error.status >= 500 || [401, 408, 429].includes(error.status)));
}
