"use client";

// A small drawing of a flow: its nodes and how they lead to each other.
import clsx from "clsx";
import { useMemo } from "react";
import { arranged, pathOf, type Shape } from "./layout";

const NODE = { width: 20, height: 10 };

interface DrawingProps {
  flow: Shape;
  /** What readers of the screen hear; without it the drawing is decoration. */
  label?: string;
  className?: string;
}

export function FlowDrawing({ flow, label, className }: DrawingProps) {
  const { places, lines, size } = useMemo(() => arranged(flow, NODE, "LR", 12), [flow]);
  const named = label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label };
  return (
    // At its own size where there is room: two drawings side by side have nodes of the same size.
    <svg
      {...named}
      width={size.width}
      height={size.height}
      preserveAspectRatio="xMinYMid meet"
      viewBox={`0 0 ${size.width} ${size.height}`}
      className={clsx("text-soft", className)}
    >
      {lines.map((line, index) => (
        <path key={index} d={pathOf(line)} fill="none" stroke="currentColor" strokeWidth="1" opacity="0.7" />
      ))}
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
