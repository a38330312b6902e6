"use client";

// What the canvas draws, and what becomes of what is dragged and selected on it.
import type { EdgeChange, NodeChange } from "@xyflow/react";
import { useCallback, useMemo, useRef, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { inLanguage } from "@/shared/flow/text";
import { moveTo } from "../actions";
import type { EdgeDoc, NodeDoc, Position } from "../document";
import { placing } from "../layout";
import { useKindName } from "../palette/looks";
import { flowNow, useBuilder, type Builder } from "../store";
import { Elements, type CanvasEdge, type CanvasNode } from "./elements";
import { linesOf, whileDragged } from "./lines";

/** What is drawn. While nodes are dragged their places are the canvas's own; the document has them when they are let go. */
export function useElements(builder: Builder) {
  const flow = useBuilder(flowNow);
  const selection = useBuilder((state) => state.selection);
  const labelOf = useLabels();
  const { edgeLabelOf, roles } = useEdgeLabels();
  const [{ elements, placesOf }] = useState(() => ({ elements: new Elements(), placesOf: placing() }));
  const [dragged, setDragged] = useState<ReadonlyMap<string, Position> | null>(null);
  const standing = placesOf(flow);
  const places = useMemo(() => (dragged === null ? standing : new Map([...standing, ...dragged])), [standing, dragged]);
  const standingLines = useMemo(() => linesOf(flow.edges, standing), [flow.edges, standing]);
  const lines = dragged === null ? standingLines : whileDragged(standingLines, flow.edges, dragged);
  const inTabOrder = [...selection.nodes].at(-1) ?? flow.nodes[0]?.id ?? null;

  const onNodesChange = useCallback(
    (changes: NodeChange<CanvasNode>[]) => {
      const { select, selection: now } = builder.getState();
      const nodes = selected(changes, now.nodes);
      if (nodes !== null) select(nodes, nodes.size > 0 && now.nodes.size === 0 && !isAdding(changes) ? [] : now.edges);
      const moves = changes.flatMap((change) => (change.type === "position" && change.position ? [change] : []));
      if (moves.length === 0) return;
      const moved = new Map(moves.map(({ id, position }) => [id, position as Position]));
      if (moves.some(({ dragging }) => dragging === true)) return setDragged(moved);
      setDragged(null);
      moveTo(builder, moved);
    },
    [builder],
  );
  const onEdgesChange = useCallback(
    (changes: EdgeChange<CanvasEdge>[]) => {
      const { select, selection: now } = builder.getState();
      const edges = selected(changes, now.edges);
      if (edges !== null) select(now.nodes, edges);
    },
    [builder],
  );
  return {
    nodes: elements.nodesOf({ flow, places, selection, inTabOrder, labelOf, roles }),
    edges: elements.edgesOf({ flow, selection, lines, edgeLabelOf, roles }),
    onNodesChange,
    onEdgesChange,
  };
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
  return { edgeLabelOf: ({ from, to }: EdgeDoc) => t("edge_label", { from, to }), roles: { node: t("node"), edge: t("edge") } };
}

function useLabels(): (node: NodeDoc) => string {
  const t = useTranslations("canvas.node");
  const language = useLocale();
  const kindName = useKindName();
  const known = useRef<{ language: string; labels: WeakMap<NodeDoc, string> }>({ language, labels: new WeakMap() });
  return (node) => {
    if (known.current.language !== language) known.current = { language, labels: new WeakMap() };
    const { labels } = known.current;
    const label = labels.get(node) ?? t("label", { name: inLanguage(node.label, language) || node.id, kind: kindName(node.kind) });
    labels.set(node, label);
    return label;
  };
}
