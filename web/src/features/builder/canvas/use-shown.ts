// Brings the node into view that somebody asked to see, and the focus with it where the canvas has it.
import { useReactFlow, useStoreApi } from "@xyflow/react";
import { useEffect, type RefObject } from "react";
import { flowNow, useBuilder, useBuilderStore } from "../store";
import { NODE, placesOf } from "../layout";
import { noteOfKey, notesOf } from "../notes";
import type { FlowDoc } from "../document";
import type { Box } from "./elements";

const TRIES = 20;
const MARGIN = 24;

export function useShown(frame: RefObject<HTMLElement | null>): void {
  const builder = useBuilderStore();
  const shown = useBuilder((state) => state.shown);
  const { setCenter, getViewport } = useReactFlow();
  const store = useStoreApi();
  useEffect(() => {
    if (shown === null) return;
    const place = boxOf(flowNow(builder.getState()), shown.node);
    if (place === undefined) return;
    const { x, y, zoom } = getViewport();
    const { width, height } = store.getState();
    const [left, top] = [place.x * zoom + x, place.y * zoom + y];
    const isSeen =
      left >= MARGIN && top >= MARGIN && left + place.width * zoom <= width - MARGIN && top + place.height * zoom <= height - MARGIN;
    if (!isSeen) void setCenter(place.x + place.width / 2, place.y + place.height / 2, { zoom: Math.max(zoom, 0.6) });
    // It may be drawn only once it is in view.
    let tries = TRIES;
    let next = 0;
    const focus = () => {
      if (focusNode(frame.current, shown.node)) return;
      tries -= 1;
      if (tries > 0) next = requestAnimationFrame(focus);
    };
    next = requestAnimationFrame(focus);
    return () => cancelAnimationFrame(next);
  }, [shown, builder, frame, getViewport, setCenter, store]);
}

/** Of a node, or of a note by its key. */
function boxOf(flow: FlowDoc, key: string): Box | undefined {
  const note = noteOfKey(key);
  if (note !== null) return notesOf(flow).get(note);
  const place = placesOf(flow).get(key);
  return place && { ...place, ...NODE };
}

/** Focus a node's element; true where that is done, or is not wanted: somebody is busy elsewhere. */
export function focusNode(frame: HTMLElement | null, id: string): boolean {
  const { activeElement } = document;
  const isFree = activeElement === null || activeElement === document.body || frame?.contains(activeElement) === true;
  if (!isFree || frame === null || activeElement?.closest("dialog")) return !isFree;
  const element = frame.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"][tabindex="0"]`);
  element?.focus({ preventScroll: true });
  return element !== null;
}
