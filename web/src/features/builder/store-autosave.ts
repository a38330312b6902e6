// Saves a flow while it is edited: sends what is due, keeps a copy here until it has arrived, tells who was first.
import { ApiProblem, Unreachable } from "@/shared/api/problem";
import { noteAnswer, noteError } from "@/shared/api/queries";
import { sameDocument, type FlowDoc } from "./document";
import type { Builder } from "./store";
import { readFlow, saveFlow, type OpenedFlow } from "./store-api";
import { inBrowser, type Keeper } from "./store-local";

const LOCAL_MS = 250;

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
  // Another tab may keep its own edits of this flow here: only what this one wrote is its to drop.
  let isKept = builder.getState().saving.phase !== "saved";

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
        builder.getState().saves({ is: "due" });
        arm();
      }, Math.max(1, saving.dueAt - Date.now()));
    }
  };

  const keep = () => {
    clearTimeout(timers.local);
    const { history, saving } = builder.getState();
    if (saving.phase !== "saved") door.keeper.write(flowId, { flow: history.now, etag: saving.kept.etag, at: new Date().toISOString() });
    else if (isKept) door.keeper.drop(flowId);
    isKept = saving.phase !== "saved";
  };

  const stop = builder.subscribe((state, before) => {
    if (state.saving !== before.saving) arm();
    if (state.history === before.history && state.saving.phase === before.saving.phase) return;
    clearTimeout(timers.local);
    timers.local = setTimeout(keep, LOCAL_MS);
  });
  const flush = async () => {
    for (let tries = 0; tries < 3; tries += 1) {
      builder.getState().saves({ is: "now" });
      if (sending === null) return;
      await sending;
    }
  };
  builder.setState({ flush });
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
    if (etag !== null && flow !== null && ours.some((one) => sameDocument(one, flow))) {
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
