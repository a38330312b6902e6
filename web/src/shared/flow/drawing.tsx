"use client";

// A small drawing of a flow: its nodes and how they lead to each other.
import clsx from "clsx";
import { startTransition, useEffect, useState } from "react";
import { arrangement, NODE, recalled } from "./drawings";
import type { Arrangement, Shape } from "./layout";
import { pathOf } from "./path";

interface DrawingProps {
  flow: Shape;
  /** What readers of the screen hear; without it the drawing is decoration. */
  label?: string;
  className?: string;
}

const NOT_YET: Arrangement = { places: new Map(), ways: [], size: { width: 1, height: 1 } };

/** Give it room: it comes a moment later than what stands around it. */
export function FlowDrawing({ flow, label, className }: DrawingProps) {
  const arranged = useArrangement(flow);
  const { places, ways, size } = arranged ?? NOT_YET;
  const named = label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label };
  return (
    // At its own size where there is room: two drawings side by side have nodes of the same size.
    // Another element than the one that kept its place: that one would be seen to move as it grows.
    <svg
      key={arranged === undefined ? "coming" : "there"}
      {...named}
      width={size.width}
      height={size.height}
      preserveAspectRatio="xMinYMid meet"
      viewBox={`0 0 ${size.width} ${size.height}`}
      className={clsx("text-soft", className)}
    >
      {ways.map((way, index) => way && <path key={index} d={pathOf(way)} fill="none" stroke="currentColor" strokeWidth="1" opacity="0.7" />)}
      {[...places].map(([id, { x, y }]) => (
        <rect
          key={id}
          x={x}
          y={y}
          {...NODE}
          rx="2.5"
          strokeWidth="1"
          className="fill-surface stroke-current"
        />
      ))}
    </svg>
  );
}

function useArrangement(flow: Shape): Arrangement | undefined {
  const [, setCount] = useState(0);
  useEffect(() => {
    if (recalled(flow) !== undefined) return;
    let isWanted = true;
    const show = () => isWanted && startTransition(() => setCount((count) => count + 1));
    arrangement(flow, () => isWanted).then(show, () => undefined); // what cannot be drawn has no drawing
    return () => {
      isWanted = false;
    };
  }, [flow]);
  return recalled(flow);
}
