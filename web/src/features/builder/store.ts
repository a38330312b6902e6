"use client";

// The state of one open flow: its document with all that can be undone, what is selected, what the server has of it.
import { createContext, useContext } from "react";
import { createStore, useStore, type StoreApi } from "zustand";
import type { NodeView } from "@/run/events";
import type { components } from "@/shared/api/schema";
import { edgeIds, edgeOf, sameDocument, takesNode, type FlowDoc } from "./document";
import { noteOfKey, notesOf } from "./notes";
import { begun, redone, stepped, undone, type History } from "./store-history";
import { nextSaving, savedState, type Kept, type Rules, type Saving, type SavingEvent } from "./store-saving";

export type Verdict = components["schemas"]["Verdict"];

export interface Selection {
  readonly nodes: ReadonlySet<string>;
  readonly edges: ReadonlySet<string>;
  readonly notes: ReadonlySet<string>;
}

/** What the server's checks said of a document, which may not be the one that is edited now. */
export interface Checked {
  readonly document: FlowDoc;
  readonly verdict: Verdict;
}

/** What the side says of the flow where no node is selected. */
export const FLOW_TABS = ["settings", "run", "tests", "versions"] as const;
export type FlowTab = (typeof FLOW_TABS)[number];

/** What it says of a node. */
export type NodeTab = "settings" | "trial" | "run";

/** What lies over the canvas where there is no room beside it. */
export type Pane = "palette" | "inspector";

/** A node as a run that is watched here has it. */
export type WatchedNode = Pick<NodeView, "status" | "visits" | "seconds">;

export interface BuilderState {
  readonly flowId: string;
  /** A flow of the library or of a file: it can be looked at and run, and duplicated to be changed. */
  readonly isReadOnly: boolean;
  readonly history: History<FlowDoc>;
  readonly selection: Selection;
  readonly saving: Saving<FlowDoc>;
  readonly checked: Checked | null;
  readonly watched: ReadonlyMap<string, WatchedNode>;
  /** Kept while a node is looked at. */
  readonly flowTab: FlowTab;
  /** What somebody asked to see of a node; an object of its own for each time that it is asked for. */
  readonly nodeTab: { readonly node: string; readonly tab: NodeTab } | null;
  readonly pane: Pane | null;
  /** The edge that something is held over which would be put into it. */
  readonly aimed: string | null;
  /** The node or, by its key, the note that the canvas shall bring into view; an object of its own for each time. */
  readonly shown: { readonly node: string } | null;

  /** Change the document by a pure function. Edits with the same `key` that follow each other quickly are undone as one:
   * give one for what is typed (`node/creator/prompt`), none for what stands alone. */
  edit(change: (flow: FlowDoc) => FlowDoc, key?: string): void;
  undo(): void;
  redo(): void;
  select(nodes: Iterable<string>, edges?: Iterable<string>, notes?: Iterable<string>): void;
  /** Select a node, or a note by its key, and bring it into view. */
  show(node: string): void;
  setFlowTab(tab: FlowTab): void;
  /** Select a node and show that of it. */
  openTab(node: string, tab: NodeTab): void;
  setPane(pane: Pane | null): void;
  /** Of an edge by its id; null for none. */
  aim(edge: string | null): void;
  setChecked(checked: Checked | null): void;
  setWatched(nodes: ReadonlyMap<string, WatchedNode>): void;
  saves(event: SavingEventNow): void;
  /** Save now what there is to be saved; answers when nothing is on its way. Look at `saving` then: it may have failed. */
  flush(): Promise<void>;
  /** Save what there is to be saved, then do this; what is edited meanwhile is saved after it. */
  alone<T>(doing: () => Promise<T>): Promise<T>;
}

/** What happens to the saving, without what the store knows itself. */
export type SavingEventNow = SavingEvent<FlowDoc> extends infer E ? (E extends SavingEvent<FlowDoc> ? Omit<E, "document" | "at"> : never) : never;

export type Builder = StoreApi<BuilderState>;

const NOTHING: Selection = { nodes: new Set(), edges: new Set(), notes: new Set() };
const RULES: Rules<FlowDoc> = { isSame: sameDocument, isEmpty: (flow) => flow.nodes.length === 0 };

interface Opened {
  flow: FlowDoc;
  /** Null for a flow that is not stored, which cannot be saved under its id. */
  etag: string | null;
}

export function makeBuilder({ flow, etag }: Opened, clock: () => number = Date.now): Builder {
  return createStore<BuilderState>((set, get) => {
    const turn = (history: History<FlowDoc>) => {
      if (history === get().history) return;
      set({ history, selection: within(history.now, get().selection) });
      get().saves({ is: "edited" });
    };
    return {
      flowId: flow.id,
      isReadOnly: etag === null,
      history: begun(flow),
      selection: NOTHING,
      saving: savedState({ document: flow, etag: etag ?? "" }),
      checked: null,
      watched: new Map(),
      flowTab: "settings",
      nodeTab: null,
      pane: null,
      aimed: null,
      shown: null,
      edit: (change, key) => {
        const { history, isReadOnly } = get();
        if (!isReadOnly) turn(stepped(history, change(history.now), clock(), key));
      },
      undo: () => turn(undone(get().history)),
      redo: () => turn(redone(get().history)),
      select: (nodes, edges = [], notes = []) => {
        const next = within(get().history.now, { nodes: new Set(nodes), edges: new Set(edges), notes: new Set(notes) });
        if (!sameSelection(next, get().selection)) set({ selection: next, nodeTab: null });
      },
      show: (node) => {
        const note = noteOfKey(node);
        if (note === null) get().select([node]);
        else get().select([], [], [note]);
        set({ shown: { node } });
      },
      setFlowTab: (flowTab) => set({ flowTab }),
      openTab: (node, tab) => {
        get().select([node]);
        set({ nodeTab: { node, tab } });
      },
      setPane: (pane) => set({ pane }),
      aim: (aimed) => set({ aimed }),
      setChecked: (checked) => set({ checked }),
      setWatched: (watched) => set({ watched }),
      flush: () => Promise.resolve(),
      alone: (doing) => doing(),
      saves: (event) => {
        const { saving, history, isReadOnly } = get();
        if (isReadOnly) return;
        const next = nextSaving(saving, { ...event, document: history.now, at: clock() } as SavingEvent<FlowDoc>, RULES);
        if (next !== saving) set({ saving: next });
      },
    };
  });
}

/** What of a selection is there. */
function within(flow: FlowDoc, { nodes, edges, notes }: Selection): Selection {
  if (nodes.size === 0 && edges.size === 0 && notes.size === 0) return NOTHING;
  const [nodeIds, ids] = [new Set(flow.nodes.map(({ id }) => id)), new Set(edgeIds(flow.edges))];
  const known = notesOf(flow);
  const kept = { nodes: [...nodes].filter((id) => nodeIds.has(id)), edges: [...edges].filter((id) => ids.has(id)), notes: [...notes].filter((id) => known.has(id)) };
  const isWhole = kept.nodes.length === nodes.size && kept.edges.length === edges.size && kept.notes.length === notes.size;
  return isWhole ? { nodes, edges, notes } : { nodes: new Set(kept.nodes), edges: new Set(kept.edges), notes: new Set(kept.notes) };
}

function sameSelection(one: Selection, other: Selection): boolean {
  const same = (a: ReadonlySet<string>, b: ReadonlySet<string>) => a.size === b.size && [...a].every((id) => b.has(id));
  return same(one.nodes, other.nodes) && same(one.edges, other.edges) && same(one.notes, other.notes);
}

const BuilderContext = createContext<Builder | null>(null);
export const BuilderProvider = BuilderContext.Provider;

/** The store itself: for what is done, where nothing is shown of it. */
export function useBuilderStore(): Builder {
  const store = useContext(BuilderContext);
  if (store === null) throw new Error("There is no flow open around this component.");
  return store;
}

/** A part of the state. The component renders anew when that part is another one: select what is as small as can be. */
export function useBuilder<T>(select: (state: BuilderState) => T): T {
  return useStore(useBuilderStore(), select);
}

/** The document as it is now. */
export function flowNow(state: BuilderState): FlowDoc {
  return state.history.now;
}

/** The one node that is selected; null where it is none or several. */
export function selectedNode({ selection: { nodes, edges, notes } }: BuilderState): string | null {
  const [only] = nodes;
  return nodes.size === 1 && edges.size + notes.size === 0 && only !== undefined ? only : null;
}

/** The one edge that is selected. */
export function selectedEdge({ selection: { nodes, edges, notes } }: BuilderState): string | null {
  const [only] = edges;
  return edges.size === 1 && nodes.size + notes.size === 0 && only !== undefined ? only : null;
}

/** The one note that is selected. */
export function selectedNote({ selection: { nodes, edges, notes } }: BuilderState): string | null {
  const [only] = notes;
  return notes.size === 1 && nodes.size + edges.size === 0 && only !== undefined ? only : null;
}

/** How much of what can be copied is selected: nodes and notes. */
export function selectedCount({ selection: { nodes, notes } }: BuilderState): number {
  return nodes.size + notes.size;
}

/** The edge that is selected alone, where a node can be put into it. */
export function selectedOpenEdge(state: BuilderState): string | null {
  const id = selectedEdge(state);
  const edge = id === null ? undefined : edgeOf(flowNow(state), id);
  return edge !== undefined && takesNode(edge) ? id : null;
}

export type { Kept };
