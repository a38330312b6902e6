"use client";

// How wide a chart may be: its drawing has one unit for each pixel, so that its text is as large as any other.
import { useLayoutEffect, useState, type RefObject } from "react";

/** The width of an element in pixels; `atFirst` until it is known. */
export function useWidth(box: RefObject<HTMLElement | null>, atFirst: number): number {
  const [width, setWidth] = useState(atFirst);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => setWidth(Math.max(240, Math.round(element.clientWidth)));
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    return () => sizes.disconnect();
  }, [box]);
  return width;
}
