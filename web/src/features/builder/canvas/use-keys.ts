"use client";

// Does on the canvas what its keys say, and copies nodes over the system's clipboard.
import { useReactFlow } from "@xyflow/react";
import { useEffect, type ClipboardEvent, type KeyboardEvent, type RefObject } from "react";
import { copySelected, duplicateSelected, go, moveSelected, pasteText, removeSelected, selectAll, tidy, type Way } from "../actions";
import { commandOf, isEverywhere, isTaken, type Command } from "../keyboard/keys";
import { selectedNode, type Builder } from "../store";
import type { Asking } from "./asking";

/** Where the settings of what is selected are: Enter goes there, Escape comes back. */
export const INSPECTOR_ID = "builder-inspector";

type Doing = Record<Command, () => void>;

export function useCanvasKeys(builder: Builder, ask: Asking, frame: RefObject<HTMLElement | null>) {
  const doing = useDoing(builder, ask, frame);
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      const binding = commandOf(event);
      if (binding === null || !isEverywhere(binding.command)) return;
      event.preventDefault();
      void builder.getState().flush();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [builder]);
  return {
    onKeyDown: (event: KeyboardEvent) => {
      if (isTaken(event.target) || isButtonKey(event)) return;
      const binding = commandOf(event);
      if (binding === null || (binding.isEdit === true && builder.getState().isReadOnly)) return;
      event.preventDefault();
      doing[binding.command]();
    },
    ...clipboard(builder),
  };
}

/** Space and Enter press the button that has the focus. */
function isButtonKey({ key, target }: KeyboardEvent): boolean {
  return (key === " " || key === "Enter") && target instanceof Element && target.closest("button, a") !== null;
}

function useDoing(builder: Builder, ask: Asking, frame: RefObject<HTMLElement | null>): Doing {
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  const { undo, redo, select, flush } = builder.getState();
  const only = () => selectedNode(builder.getState());
  const withNode = (what: (node: string) => void) => () => {
    const node = only();
    if (node !== null) what(node);
  };
  const ways = (how: (builder: Builder, way: Way) => void, way: Way) => () => how(builder, way);
  return {
    add: () => ask({ is: "add", after: only() }),
    connect: withNode((node) => ask({ is: "connect", from: node })),
    edges: withNode((node) => ask({ is: "edges", of: node })),
    rename: withNode((node) => ask({ is: "rename", node })),
    inspect: () => enterInspector(),
    delete: () => removeSelected(builder),
    left: ways(go, "left"),
    right: ways(go, "right"),
    up: ways(go, "up"),
    down: ways(go, "down"),
    move_left: ways(moveSelected, "left"),
    move_right: ways(moveSelected, "right"),
    move_up: ways(moveSelected, "up"),
    move_down: ways(moveSelected, "down"),
    select: () => toggleFocused(builder, frame.current),
    select_all: () => selectAll(builder),
    clear: () => select([]),
    copy: () => undefined,
    cut: () => undefined,
    paste: () => undefined,
    duplicate: () => duplicateSelected(builder),
    undo,
    redo,
    save: () => void flush(),
    tidy: () => {
      tidy(builder);
      requestAnimationFrame(() => void fitView({ maxZoom: 1, padding: 0.15 }));
    },
    fit: () => void fitView({ maxZoom: 1, padding: 0.15 }),
    zoom_in: () => void zoomIn(),
    zoom_out: () => void zoomOut(),
    help: () => ask({ is: "help" }),
  };
}

/** Go to the first field of the settings beside the canvas. */
export function enterInspector(): void {
  const inspector = document.getElementById(INSPECTOR_ID);
  inspector?.querySelector<HTMLElement>("input, textarea, select, button")?.focus();
}

/** Come back from the settings to the node that they are of. */
export function leaveInspector(builder: Builder): void {
  const node = selectedNode(builder.getState());
  (document.activeElement as HTMLElement | null)?.blur();
  if (node !== null) builder.getState().show(node);
}

function toggleFocused(builder: Builder, frame: HTMLElement | null): void {
  const element = document.activeElement?.closest<HTMLElement>(".react-flow__node");
  const id = frame?.contains(element ?? null) ? element?.dataset["id"] : undefined;
  if (id === undefined) return;
  const { selection, select } = builder.getState();
  const nodes = new Set(selection.nodes);
  if (!nodes.delete(id)) nodes.add(id);
  select(nodes, selection.edges);
}

function clipboard(builder: Builder) {
  const isOurs = (event: ClipboardEvent) => !isTaken(event.target) && (getSelection()?.isCollapsed ?? true);
  const copy = (event: ClipboardEvent): boolean => {
    const text = isOurs(event) ? copySelected(builder) : null;
    if (text === null) return false;
    event.preventDefault();
    event.clipboardData.setData("text/plain", text);
    return true;
  };
  return {
    onCopy: (event: ClipboardEvent) => void copy(event),
    onCut: (event: ClipboardEvent) => {
      if (copy(event) && !builder.getState().isReadOnly) removeSelected(builder);
    },
    onPaste: (event: ClipboardEvent) => {
      if (isTaken(event.target)) return;
      if (pasteText(builder, event.clipboardData.getData("text/plain"))) event.preventDefault();
    },
  };
}

