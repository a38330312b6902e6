"use client";

// The canvas: nodes and edges of the flow, drawn, dragged, connected, and gone about by keyboard.
import {
  Background,
  MiniMap,
  ReactFlow,
  ReactFlowProvider,
  SelectionMode,
  useReactFlow,
  type FinalConnectionState,
  type ReactFlowInstance,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "./canvas.css";
import { useEffect, useMemo, useRef, type MouseEvent as Click } from "react";
import { useTranslations } from "use-intl";
import { centred } from "../actions";
import { connect, takesNode } from "../document";
import { NODE } from "../layout";
import { notesOf } from "../notes";
import { flowNow, useBuilder, useBuilderStore, type Builder } from "../store";
import { Announcer } from "./announcer";
import { DropHint, useDropping } from "./dropping";
import { Arrows, FlowEdge } from "./edge";
import type { CanvasEdge, CanvasNode } from "./elements";
import { FlowNode } from "./node";
import { FlowNote } from "./note";
import { Toolbar } from "./toolbar";
import { Ask, useAsking, type Asking } from "./asking";
import { useElements } from "./use-elements";
import { useCanvasKeys } from "./use-keys";
import { useMenu } from "./use-menu";
import { useShown } from "./use-shown";

const NODE_TYPES = { flow: FlowNode, note: FlowNote };
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
  const reader = useReaderWords();
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const count = useBuilder((state) => flowNow(state).nodes.length);
  const isEmpty = useBuilder((state) => flowNow(state).nodes.length + notesOf(flowNow(state)).size === 0);
  const name = useBuilder((state) => state.flowId);
  const { nodes, edges, onNodesChange, onEdgesChange } = useElements(builder);
  const menu = useMenu(builder, frame);
  const doing = useCanvasKeys(builder, asking.ask, frame, menu.open);
  const pointer = usePointer(builder, asking.ask);
  const dropping = useDropping(builder);
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
      {...dropping}
      {...menu.pressed}
    >
      <Arrows />
      <Ask value={asking.ask}>
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
          onEdgeDoubleClick={pointer.onEdgeDoubleClick}
          zoomOnDoubleClick={false}
          proOptions={NO_FRAME}
          ariaLabelConfig={reader}
        >
          <Background gap={20} size={1.5} />
          {count >= MAP_FROM && <MiniMap pannable zoomable ariaLabel={t("toolbar.map")} className="!hidden rounded-md border border-line md:!block" />}
        </ReactFlow>
      </Ask>
      {isEmpty && <Hint isReadOnly={isReadOnly} />}
      <Toolbar ask={asking.ask} hasFind={count >= MAP_FROM} doing={doing} />
      <DropHint />
      <Announcer />
      {asking.dialog}
      {menu.menu(doing, asking.ask)}
    </div>
  );
}

/** What readers of the screen hear of the canvas; keys are told by its own sheet. */
function useReaderWords() {
  const t = useTranslations("canvas.reader");
  return useMemo(() => {
    const hint = t("hint");
    return { "node.a11yDescription.default": hint, "node.a11yDescription.keyboardDisabled": hint, "edge.a11yDescription.default": hint, "handle.ariaLabel": t("handle") };
  }, [t]);
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

/** What is done with the mouse or a finger: connecting, and asking for a node. */
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
  const onEdgeDoubleClick = (_: unknown, { id, data }: CanvasEdge) => {
    if (!builder.getState().isReadOnly && data !== undefined && takesNode(data.edge)) ask({ is: "insert", into: id });
  };
  const frame = {
    /** On nothing at all: a node is put there. */
    onDoubleClick: ({ target, clientX, clientY }: Click) => {
      if (builder.getState().isReadOnly || !(target instanceof Element) || !target.classList.contains("react-flow__pane")) return;
      ask({ is: "add", after: null, at: centred(screenToFlowPosition({ x: clientX, y: clientY })) });
    },
  };
  return { onConnect, onConnectEnd, onEdgeDoubleClick, frame };
}
