"use client";

// What the canvas draws, and what becomes of what is dragged and selected on it.
import type { EdgeChange, NodeChange } from "@xyflow/react";
import { useCallback, useMemo, useRef, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { inLanguage } from "@/shared/flow/text";
import { moveTo, resizeTo } from "../actions";
import type { EdgeDoc, FlowDoc, NodeDoc, Position } from "../document";
import { placing } from "../layout";
import { useKindName } from "../palette/looks";
import { firstWords, keyOfNote, noteOfKey, notesOf, type Note } from "../notes";
import { flowNow, useBuilder, type Builder, type Selection } from "../store";
import { Elements, type Box, type CanvasEdge, type CanvasNode } from "./elements";
import { linesOf, whileDragged } from "./lines";

/** What is drawn. While nodes are dragged their places are the canvas's own; the document has them when they are let go. */
export function useElements(builder: Builder) {
  const flow = useBuilder(flowNow);
  const selection = useBuilder((state) => state.selection);
  const labelOf = useLabels();
  const { edgeLabelOf, roles } = useEdgeLabels();
  const [{ elements, placesOf }] = useState(() => ({ elements: new Elements(), placesOf: placing() }));
  const [held, setHeld] = useState<Held>(NOTHING_HELD);
  const standing = placesOf(flow);
  const places = useMemo(() => placed(standing, held), [standing, held]);
  const standingLines = useMemo(() => linesOf(flow.edges, standing), [flow.edges, standing]);
  const lines = held.size === 0 ? standingLines : whileDragged(standingLines, flow.edges, held);
  const inTabOrder = firstStop(flow, selection);
  const resized = useRef<Held>(NOTHING_HELD);

  const onNodesChange = useCallback(
    (changes: NodeChange<CanvasNode>[]) => {
      const { select, selection: now } = builder.getState();
      const before = keysOf(now);
      const keys = selected(changes, before);
      if (keys !== null) {
        const edges = keys.size > 0 && before.size === 0 && !isAdding(changes) ? [] : now.edges;
        select([...keys].filter((key) => noteOfKey(key) === null), edges, [...keys].flatMap((key) => noteOfKey(key) ?? []));
      }
      const sizes = sizesIn(changes, resized.current);
      if (sizes !== null) {
        resized.current = sizes.isGoingOn ? sizes.held : NOTHING_HELD;
        setHeld(resized.current);
        if (!sizes.isGoingOn) resizeTo(builder, sizes.held);
        return;
      }
      const moves = changes.flatMap((change) => (change.type === "position" && change.position ? [change] : []));
      if (moves.length === 0) return;
      const moved = new Map(moves.map(({ id, position }) => [id, position as Position]));
      if (moves.some(({ dragging }) => dragging === true)) return setHeld(moved);
      setHeld(NOTHING_HELD);
      moveTo(builder, moved);
    },
    [builder],
  );
  const onEdgesChange = useCallback(
    (changes: EdgeChange<CanvasEdge>[]) => {
      const { select, selection: now } = builder.getState();
      const edges = selected(changes, now.edges);
      if (edges !== null) select(now.nodes, edges, now.notes);
    },
    [builder],
  );
  return {
    nodes: elements.nodesOf({ flow, places, boxes: held, selection, inTabOrder, labelOf, roles }),
    edges: elements.edgesOf({ flow, selection, lines, edgeLabelOf, roles }),
    onNodesChange,
    onEdgesChange,
  };
}

/** What is dragged or drawn larger, before the document has it. */
type Held = ReadonlyMap<string, Partial<Box>>;

const NOTHING_HELD: Held = new Map();

function placed(standing: ReadonlyMap<string, Position>, held: Held): ReadonlyMap<string, Position> {
  const moved = [...held].flatMap(([id, { x, y }]) => (standing.has(id) && x !== undefined && y !== undefined ? [[id, { x, y }] as const] : []));
  return moved.length === 0 ? standing : new Map([...standing, ...moved]);
}

/** What the Tab key comes to: what was selected last, else the first node, else the first note. */
function firstStop(flow: FlowDoc, selection: Selection): string | null {
  const [firstNote] = notesOf(flow).keys();
  return [...keysOf(selection)].at(-1) ?? flow.nodes[0]?.id ?? (firstNote === undefined ? null : keyOfNote(firstNote));
}

function keysOf({ nodes, notes }: Selection): ReadonlySet<string> {
  return notes.size === 0 ? nodes : new Set([...nodes, ...[...notes].map(keyOfNote)]);
}

/** What is drawn larger now, and where it stands; null where nothing is. */
function sizesIn(changes: readonly NodeChange[], before: Held): { held: Held; isGoingOn: boolean } | null {
  const sizes = changes.flatMap((change) => (change.type === "dimensions" && change.resizing !== undefined && change.dimensions ? [change] : []));
  if (sizes.length === 0) return null;
  const held = new Map(before);
  for (const change of changes) {
    const more = change.type === "dimensions" ? change.dimensions : change.type === "position" ? change.position : undefined;
    if ("id" in change && more !== undefined) held.set(change.id, { ...held.get(change.id), ...more });
  }
  return { held, isGoingOn: sizes.some(({ resizing }) => resizing === true) };
}

/** The selection after these changes; null where none of them selects anything. */
function selected(changes: readonly (NodeChange | EdgeChange)[], now: ReadonlySet<string>): Set<string> | null {
  const mine = changes.flatMap((change) => (change.type === "select" ? [change] : []));
  if (mine.length === 0) return null;
  const next = new Set(now);
  for (const { id, selected: is } of mine) {
    if (is) next.add(id);
    else next.delete(id);
  }
  return next;
}

function isAdding(changes: readonly NodeChange[]): boolean {
  return changes.filter((change) => change.type === "select").length > 1;
}

function useEdgeLabels() {
  const t = useTranslations("canvas.reader");
  const note = useTranslations("canvas.note");
  return { edgeLabelOf: ({ from, to }: EdgeDoc) => t("edge_label", { from, to }), roles: { node: t("node"), edge: t("edge"), note: note("title") } };
}

function useLabels(): (one: NodeDoc | Note) => string {
  const t = useTranslations("canvas");
  const language = useLocale();
  const kindName = useKindName();
  const known = useRef<{ language: string; labels: WeakMap<NodeDoc | Note, string> }>({ language, labels: new WeakMap() });
  const made = (one: NodeDoc | Note) =>
    isNode(one) ? t("node.label", { name: inLanguage(one.label, language) || one.id, kind: kindName(one.kind) }) : t("note.label", { text: firstWords(one) || t("note.empty_read_only") });
  return (one) => {
    if (known.current.language !== language) known.current = { language, labels: new WeakMap() };
    const { labels } = known.current;
    const label = labels.get(one) ?? made(one);
    labels.set(one, label);
    return label;
  };
}

function isNode(one: NodeDoc | Note): one is NodeDoc {
  return "kind" in one;
}
