"use client";

// The canvas: nodes and edges of the flow, drawn, dragged, connected, and gone about by keyboard.
import {
  Background,
  MiniMap,
  ReactFlow,
  ReactFlowProvider,
  SelectionMode,
  useReactFlow,
  type EdgeChange,
  type FinalConnectionState,
  type NodeChange,
  type ReactFlowInstance,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "./canvas.css";
import { useCallback, useEffect, useMemo, useRef, useState, type DragEvent } from "react";
import { useLocale, useTranslations } from "use-intl";
import { inLanguage } from "@/shared/flow/text";
import { add, centred, moveTo } from "../actions";
import { connect, type NodeDoc, type Position } from "../document";
import { NODE, placing } from "../layout";
import { KIND_TYPE } from "../palette/palette";
import { useKindName } from "../palette/looks";
import { flowNow, useBuilder, useBuilderStore, type Builder } from "../store";
import { Announcer } from "./announcer";
import { Arrows, FlowEdge } from "./edge";
import { Elements, type CanvasEdge, type CanvasNode } from "./elements";
import { FlowNode } from "./node";
import { Toolbar } from "./toolbar";
import { useAsking, type Asking } from "./asking";
import { useCanvasKeys } from "./use-keys";
import { useShown } from "./use-shown";

const NODE_TYPES = { flow: FlowNode };
const EDGE_TYPES = { flow: FlowEdge };
const FIT = { maxZoom: 1, padding: 0.15 };
/** Smaller than this nobody can read what nodes say. */
const READABLE = 0.5;
/** So many nodes are worth a map. */
const MAP_FROM = 12;
const NO_FRAME = { hideAttribution: true };

export function Canvas() {
  return (
    <ReactFlowProvider>
      <Drawn />
    </ReactFlowProvider>
  );
}

function Drawn() {
  const t = useTranslations("canvas");
  const builder = useBuilderStore();
  const asking = useAsking();
  const frame = useRef<HTMLDivElement>(null);
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const count = useBuilder((state) => flowNow(state).nodes.length);
  const isEmpty = count === 0;
  const name = useBuilder((state) => state.flowId);
  const { nodes, edges, onNodesChange, onEdgesChange } = useElements(builder);
  useCanvasKeys(builder, asking.ask, frame);
  const pointer = usePointer(builder, asking.ask);
  useShown(frame);
  // A keyboard can begin at once, unless it is busy elsewhere already.
  useEffect(() => {
    if (document.activeElement === document.body) frame.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div
      ref={frame}
      role="application"
      aria-label={t("label", { name })}
      tabIndex={isEmpty ? 0 : -1}
      className="flow-canvas relative size-full outline-offset-[-2px]"
      {...pointer.frame}
    >
      <Arrows />
      <ReactFlow<CanvasNode, CanvasEdge>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onConnect={pointer.onConnect}
        onConnectEnd={pointer.onConnectEnd}
        nodesDraggable={!isReadOnly}
        nodesConnectable={!isReadOnly}
        nodesFocusable={false}
        edgesFocusable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        multiSelectionKeyCode={["Meta", "Control", "Shift"]}
        selectionMode={SelectionMode.Partial}
        onlyRenderVisibleElements
        minZoom={0.05}
        maxZoom={2}
        onInit={begin}
        connectionRadius={40}
        nodeDragThreshold={3}
        proOptions={NO_FRAME}
      >
        <Background gap={20} size={1.5} />
        {count >= MAP_FROM && <MiniMap pannable zoomable ariaLabel={t("toolbar.map")} className="!hidden rounded-md border border-line md:!block" />}
      </ReactFlow>
      {isEmpty && <Hint isReadOnly={isReadOnly} />}
      <Toolbar ask={asking.ask} />
      <Announcer />
      {asking.dialog}
    </div>
  );
}

/** Shows all of the flow; where that would be too small to read, its beginning. */
function begin({ fitView, getZoom, setViewport, getNodes }: ReactFlowInstance<CanvasNode, CanvasEdge>): void {
  void fitView(FIT).then(() => {
    const [first] = getNodes().toSorted((one, other) => one.position.x - other.position.x);
    if (first === undefined || getZoom() >= READABLE) return;
    const y = (document.querySelector(".flow-canvas")?.clientHeight ?? 0) / 2;
    const { position } = first;
    return setViewport({ x: 24 - position.x * 0.75, y: y - (position.y + NODE.height / 2) * 0.75, zoom: 0.75 });
  });
}

function Hint({ isReadOnly }: { isReadOnly: boolean }) {
  const t = useTranslations("canvas");
  return (
    <div className="pointer-events-none absolute inset-0 flex flex-col items-center justify-center gap-1 px-6 text-center">
      <p className="text-lg font-medium">{t("empty")}</p>
      <p className="text-soft">{t(isReadOnly ? "empty_read_only" : "empty_hint")}</p>
    </div>
  );
}

/** What is drawn. While nodes are dragged their places are the canvas's own; the document has them when they are let go. */
function useElements(builder: Builder) {
  const flow = useBuilder(flowNow);
  const selection = useBuilder((state) => state.selection);
  const labelOf = useLabels();
  const [{ elements, placesOf }] = useState(() => ({ elements: new Elements(), placesOf: placing() }));
  const [dragged, setDragged] = useState<ReadonlyMap<string, Position> | null>(null);
  const standing = placesOf(flow);
  const places = useMemo(() => (dragged === null ? standing : new Map([...standing, ...dragged])), [standing, dragged]);
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
    nodes: elements.nodesOf({ flow, places, selection, inTabOrder, labelOf }),
    edges: elements.edgesOf({ flow, selection }),
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

/** What is done with the mouse or a finger: connecting, and dropping kinds out of the palette. */
function usePointer(builder: Builder, ask: Asking) {
  const { screenToFlowPosition } = useReactFlow();
  const onConnect = ({ source, target }: { source: string; target: string }) => builder.getState().edit((flow) => connect(flow, source, target));
  /** Let go over nothing, a connection asks what shall stand there. */
  const onConnectEnd = (event: MouseEvent | TouchEvent, { isValid, toNode, fromNode, fromHandle }: FinalConnectionState) => {
    if (isValid || toNode !== null || fromNode === null || fromHandle?.type !== "source") return;
    const point = "clientX" in event ? event : event.changedTouches[0];
    if (point === undefined) return;
    const { x, y } = screenToFlowPosition({ x: point.clientX, y: point.clientY });
    ask({ is: "add", after: fromNode.id, at: { x, y: y - 34 } });
  };
  const frame = {
    onDragOver: (event: DragEvent) => {
      if (!event.dataTransfer.types.includes(KIND_TYPE) || builder.getState().isReadOnly) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    },
    onDrop: (event: DragEvent) => {
      const kind = event.dataTransfer.getData(KIND_TYPE);
      if (kind === "") return;
      event.preventDefault();
      add(builder, { kind, after: null, at: centred(screenToFlowPosition({ x: event.clientX, y: event.clientY })) });
    },
  };
  return { onConnect, onConnectEnd, frame };
}
