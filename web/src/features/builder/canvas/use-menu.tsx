"use client";

// Opens the canvas's menu: by the right button, by its keys, by a finger that rests. What is in it is loaded when it is asked for.
import { useReactFlow } from "@xyflow/react";
import { lazy, Suspense, useEffect, useEffectEvent, useRef, useState, type PointerEvent as Press, type ReactNode, type RefObject } from "react";
import { useSentence } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { isTaken } from "../keyboard/keys";
import { keyOfNote, noteOfKey } from "../notes";
import type { Builder } from "../store";
import type { Asking } from "./asking";
import type { Doing } from "./use-keys";

const load = () => import("./context-menu");
const ContextMenu = lazy(load);
/** A finger rests when it has not moved by more than this for so long; browsers on Android say so themselves, a little earlier. */
const REST_MS = 650;
const REST_PX = 8;

interface Point {
  readonly x: number;
  readonly y: number;
}

interface MenuOf {
  /** For the element around the canvas. */
  readonly pressed: { readonly [E in "onPointerDown" | "onPointerMove" | "onPointerUp" | "onPointerCancel"]: (event: Press) => void };
  /** Beside what is selected, for the keyboard. */
  readonly open: () => void;
  readonly menu: (doing: Doing, ask: Asking) => ReactNode;
}

export function useMenu(builder: Builder, frame: RefObject<HTMLElement | null>): MenuOf {
  const sentence = useSentence();
  const { screenToFlowPosition } = useReactFlow();
  const [opened, setOpened] = useState<{ at: Point; isKeyed: boolean } | null>(null);
  const openAt = (at: Point, isKeyed = false) =>
    void load().then(
      () => setOpened({ at, isKeyed }),
      (error: unknown) => toast(sentence(error), "bad"),
    );
  const openBeside = () => openAt(besideSelected(builder, frame.current), true);
  const onAsked = useEffectEvent((event: MouseEvent) => {
    if (!isOfCanvas(event.target, frame.current)) return;
    event.preventDefault();
    if (isKeyed(event)) return openBeside();
    aimAt(builder, event.target as Element);
    openAt({ x: event.clientX, y: event.clientY });
  });
  useEffect(() => {
    const asked = (event: MouseEvent) => onAsked(event);
    addEventListener("contextmenu", asked);
    return () => removeEventListener("contextmenu", asked);
  }, []);
  const pressed = useResting((target, point) => {
    if (!isOfCanvas(target, frame.current)) return;
    aimAt(builder, target);
    openAt(point);
  });
  const menu = (doing: Doing, ask: Asking) =>
    opened && (
      <Suspense>
        <ContextMenu
          {...opened}
          place={screenToFlowPosition(opened.at)}
          doing={doing}
          ask={ask}
          onClose={() => setOpened(null)}
        />
      </Suspense>
    );
  return { pressed, open: openBeside, menu };
}

/** Of the drawing, and not of what is written into on it; or of nothing at all. A link has a menu of its own. */
function isOfCanvas(target: EventTarget | null, frame: HTMLElement | null): target is Element {
  if (target === document.body || target === frame) return true;
  return target instanceof Element && frame?.contains(target) === true && !isTaken(target) && target.closest("a") === null && target.closest(".react-flow") !== null;
}

/** Whether a key has asked for the menu. */
function isKeyed(event: MouseEvent): boolean {
  const { pointerType } = event as Partial<PointerEvent>;
  return pointerType === "" || (pointerType === undefined && event.button !== 2);
}

/** Selects what the menu shall be of, unless it is part of what is selected already. */
function aimAt(builder: Builder, target: Element): void {
  const { selection, select } = builder.getState();
  const node = target.closest<HTMLElement>(".react-flow__node")?.dataset["id"];
  const edge = target.closest<HTMLElement | SVGElement>(".react-flow__edge, [data-edge]")?.dataset;
  const edgeId = edge?.["edge"] ?? edge?.["id"];
  const note = noteOfKey(node ?? "");
  if (note !== null) return selection.notes.has(note) ? undefined : select([], [], [note]);
  if (node !== undefined) return selection.nodes.has(node) ? undefined : select([node]);
  if (edgeId !== undefined) return selection.edges.has(edgeId) ? undefined : select([], [edgeId]);
  if (target.closest(".react-flow__nodesselection") === null) select([]);
}

/** In the window: at the lower edge of what was selected last, else in the middle of the canvas. */
function besideSelected(builder: Builder, frame: HTMLElement | null): Point {
  const { nodes, edges, notes } = builder.getState().selection;
  const [node, edge] = [[...nodes, ...[...notes].map(keyOfNote)].at(-1), [...edges].at(-1)];
  const find = (what: string, id: string | undefined) => (id === undefined ? null : (frame?.querySelector(`.react-flow__${what}[data-id="${CSS.escape(id)}"]`) ?? null));
  const found = find("node", node) ?? find("edge", edge);
  const box = (found ?? frame)?.getBoundingClientRect() ?? new DOMRect();
  return { x: box.x + (found === null || node === undefined ? box.width / 2 : 16), y: box.y + (node === undefined ? box.height / 2 : box.height) };
}

/** Tells where a finger rests. Not every browser asks for a menu then. */
function useResting(onRest: (target: Element, at: Point) => void): MenuOf["pressed"] {
  const resting = useRef<{ timer: ReturnType<typeof setTimeout>; at: Point } | null>(null);
  const stop = () => {
    if (resting.current !== null) clearTimeout(resting.current.timer);
    resting.current = null;
  };
  useEffect(() => stop, []);
  return {
    onPointerDown: ({ pointerType, isPrimary, target, clientX: x, clientY: y }) => {
      stop();
      if (pointerType !== "touch" || !isPrimary || !(target instanceof Element)) return;
      const rest = () => {
        // What a browser makes of the finger when it is lifted would press what lies below the menu.
        const over = new AbortController();
        const lifted = (event: TouchEvent) => {
          event.preventDefault();
          over.abort();
        };
        addEventListener("touchend", lifted, { capture: true, passive: false, signal: over.signal });
        addEventListener("touchcancel", () => over.abort(), { capture: true, signal: over.signal });
        onRest(target, { x, y });
      };
      resting.current = { timer: setTimeout(rest, REST_MS), at: { x, y } };
    },
    onPointerMove: ({ clientX, clientY }) => {
      const from = resting.current?.at;
      if (from !== undefined && Math.hypot(clientX - from.x, clientY - from.y) > REST_PX) stop();
    },
    onPointerUp: stop,
    onPointerCancel: stop,
  };
}
