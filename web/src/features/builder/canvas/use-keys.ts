"use client";

// Does on the canvas what its keys say, and copies nodes over the system's clipboard.
import { useReactFlow } from "@xyflow/react";
import { useEffect, useEffectEvent, type RefObject } from "react";
import { useTranslations } from "use-intl";
import { toast } from "@/shared/ui/toast";
import { addNote, copySelected, duplicateSelected, go, moveSelected, pasteText, removeSelected, selectAll, tidy, type Way } from "../actions";
import type { Position } from "../document";
import { commandOf, isEverywhere, isTaken, type Command } from "../keyboard/keys";
import { keyOfNote, NOTE_BOUNDS, noteOfKey } from "../notes";
import { selectedNode, selectedNote, selectedOpenEdge, type Builder } from "../store";
import type { Asking } from "./asking";

/** Where the settings of what is selected are: Enter goes there, Escape comes back. */
export const INSPECTOR_ID = "builder-inspector";

export type Doing = Readonly<Record<Exclude<Command, "menu">, () => void>>;

/** Listens while the canvas is there: to what is pressed on it, or on nothing at all. Answers what each command does. */
export function useCanvasKeys(builder: Builder, ask: Asking, frame: RefObject<HTMLElement | null>, openMenu: () => void): Doing {
  const doing = useDoing(builder, ask, frame);
  const isHere = (target: EventTarget | null) =>
    !isTaken(target) && target instanceof Node && (target === document.body || frame.current?.contains(target) === true);
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    const binding = commandOf(event);
    const isOurs = binding !== null && (isEverywhere(binding.command) || (isHere(event.target) && !isButtonKey(event)));
    if (!isOurs || event.defaultPrevented || (binding.isEdit === true && builder.getState().isReadOnly)) return;
    event.preventDefault();
    if (binding.command === "menu") openMenu();
    else doing[binding.command]();
  });
  const sayLeft = useLeftOut();
  const onClipboard = useEffectEvent((event: ClipboardEvent) => {
    if (isHere(event.target)) sayLeft(copyOrPaste(builder, event));
  });
  useEffect(() => {
    const [pressed, copied] = [(event: KeyboardEvent) => onKey(event), (event: ClipboardEvent) => onClipboard(event)];
    addEventListener("keydown", pressed);
    CLIPBOARD.forEach((name) => addEventListener(name, copied));
    return () => {
      removeEventListener("keydown", pressed);
      CLIPBOARD.forEach((name) => removeEventListener(name, copied));
    };
  }, []);
  return doing;
}

const CLIPBOARD = ["copy", "cut", "paste"] as const;

/** Space and Enter press the button that has the focus. */
function isButtonKey({ key, target }: KeyboardEvent): boolean {
  return (key === " " || key === "Enter") && target instanceof Element && target.closest("button, a") !== null;
}

function useDoing(builder: Builder, ask: Asking, frame: RefObject<HTMLElement | null>): Doing {
  const { zoomIn, zoomOut, fitView, screenToFlowPosition } = useReactFlow();
  const noteAt = useNoting();
  const sayLeft = useLeftOut();
  const { undo, redo, select, flush } = builder.getState();
  const only = () => selectedNode(builder.getState());
  const withNode = (what: (node: string) => void) => () => {
    const node = only();
    if (node !== null) what(node);
  };
  const ways = (how: (builder: Builder, way: Way) => void, way: Way) => () => how(builder, way);
  return {
    add: () => {
      const into = selectedOpenEdge(builder.getState());
      ask(into === null ? { is: "add", after: only() } : { is: "insert", into });
    },
    note: () => noteAt(builder, middleOf(frame.current, screenToFlowPosition)),
    find: () => ask({ is: "find" }),
    connect: withNode((node) => ask({ is: "connect", from: node })),
    edges: withNode((node) => ask({ is: "edges", of: node })),
    rename: withNode((node) => ask({ is: "rename", node })),
    inspect: () => {
      if (enterInspector()) return;
      builder.getState().setPane("inspector");
      requestAnimationFrame(() => enterInspector());
    },
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
    duplicate: () => sayLeft(duplicateSelected(builder)),
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
    run: () => enterRun(builder),
    help: () => ask({ is: "help" }),
  };
}

/** Where the middle of the canvas is in the flow. */
function middleOf(frame: HTMLElement | null, inFlow: (at: Position) => Position): Position {
  const { x, y, width, height } = frame?.getBoundingClientRect() ?? new DOMRect();
  return inFlow({ x: x + width / 2, y: y + height / 2 });
}

/** Puts a note at a place, and says where there are too many of them. */
export function useNoting(): (builder: Builder, at: Position) => void {
  const t = useTranslations("canvas.note");
  return (builder, at) => {
    if (addNote(builder, at) === null) toast(t("too_many", { most: NOTE_BOUNDS.count }), "bad");
  };
}

/** Says of notes that were copied how many found no room. */
export function useLeftOut(): (left: number) => void {
  const t = useTranslations("canvas.note");
  return (left) => {
    if (left > 0) toast(t("left_out", { left, most: NOTE_BOUNDS.count }), "bad");
  };
}

/** Go to the first field of the settings beside the canvas, or of a part of them; false where none of them is shown. */
export function enterInspector(part = ""): boolean {
  const inspector = document.querySelector(`#${INSPECTOR_ID} ${part}`) ?? document.getElementById(INSPECTOR_ID);
  const seen = (what: string) => [...(inspector?.querySelectorAll<HTMLElement>(what) ?? [])].find((one) => one.offsetParent !== null);
  const first = seen("input, textarea, select") ?? seen("button");
  first?.focus();
  return first !== undefined;
}

/** Go to the question of a run of the whole flow. */
export function enterRun(builder: Builder): void {
  const { select, setFlowTab, setPane } = builder.getState();
  select([]);
  setFlowTab("run");
  setPane("inspector");
  requestAnimationFrame(() => enterInspector());
}

/** Go to the versions of the flow, to publish one. */
export function enterVersions(builder: Builder): void {
  const { select, setFlowTab, setPane } = builder.getState();
  select([]);
  setFlowTab("versions");
  setPane("inspector");
  requestAnimationFrame(() => enterInspector("[role=tabpanel]"));
}

/** Go to the trial of a node: to its question, or to what the nodes before it are taken to have said. */
export function enterTrial(builder: Builder, node: string, part: "question" | "pins"): void {
  const { openTab, setPane } = builder.getState();
  openTab(node, "trial");
  setPane("inspector");
  requestAnimationFrame(() => enterInspector(part === "pins" ? "[data-part=pins]" : "[role=tabpanel]"));
}

/** Come back from the settings to the node or note that they are of, or else to the canvas. */
export function leaveInspector(builder: Builder): void {
  const [node, note] = [selectedNode(builder.getState()), selectedNote(builder.getState())];
  (document.activeElement as HTMLElement | null)?.blur();
  if (node !== null) builder.getState().show(node);
  else if (note !== null) builder.getState().show(keyOfNote(note));
  else focusCanvas();
}

/** The canvas itself: where its keys go on once what had the focus is gone. */
export function focusCanvas(): void {
  document.querySelector<HTMLElement>(".flow-canvas")?.focus({ preventScroll: true });
}

function toggleFocused(builder: Builder, frame: HTMLElement | null): void {
  const element = document.activeElement?.closest<HTMLElement>(".react-flow__node");
  const id = frame?.contains(element ?? null) ? element?.dataset["id"] : undefined;
  if (id === undefined) return;
  const { selection, select } = builder.getState();
  const note = noteOfKey(id);
  if (note === null) select(toggled(selection.nodes, id), selection.edges, selection.notes);
  else select(selection.nodes, selection.edges, toggled(selection.notes, note));
}

function toggled(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** Answers how many notes were left out of what was pasted. */
function copyOrPaste(builder: Builder, event: ClipboardEvent): number {
  const { type, clipboardData } = event;
  if (type === "paste") {
    const left = pasteText(builder, clipboardData?.getData("text/plain") ?? "");
    if (left !== null) event.preventDefault();
    return left ?? 0;
  }
  // Words that somebody has marked are copied as words.
  const text = (getSelection()?.isCollapsed ?? true) ? copySelected(builder) : null;
  if (text === null) return 0;
  event.preventDefault();
  clipboardData?.setData("text/plain", text);
  if (type === "cut" && !builder.getState().isReadOnly) removeSelected(builder);
  return 0;
}
