"use client";

// An edge on the canvas: its way, and what it depends on.
import { BaseEdge, EdgeLabelRenderer, useStore, type EdgeProps } from "@xyflow/react";
import clsx from "clsx";
import { RotateCcw } from "lucide-react";
import { memo, useContext } from "react";
import { useTranslations } from "use-intl";
import { pathOf, type Point } from "@/shared/flow/path";
import { takesNode, type EdgeDoc } from "../document";
import { placed } from "../problems/places";
import { useBuilder, useBuilderStore, type Checked } from "../store";
import { Ask } from "./asking";
import type { CanvasEdge } from "./elements";
import { plainWay } from "./routes";

/** Smaller than this nobody can read a label. */
const READABLE_ZOOM = 0.45;

export const FlowEdge = memo(function FlowEdge(props: EdgeProps<CanvasEdge>) {
  const { id, data, selected = false } = props;
  const edge = data?.edge;
  const { path, x, y } = drawn(props);
  const isWrong = useBuilder((state) => wrongEdges(state.checked).has(id));
  const isAimed = useBuilder(({ aimed }) => aimed === id);
  const aim = isAimed ? aimAt(edge) : null;
  const isReadable = useStore(({ transform }) => transform[2] >= READABLE_ZOOM);
  const look = isWrong || aim === "closed" ? "bad" : selected || aim === "open" ? "accent" : "plain";
  return (
    <>
      <BaseEdge
        id={id}
        path={path}
        interactionWidth={20}
        className={clsx(LOOKS[look].stroke, aim !== null ? "![stroke-width:4]" : selected ? "![stroke-width:2.5]" : "![stroke-width:1.5]")}
        markerEnd={`url(#${LOOKS[look].head})`}
      />
      {edge !== undefined && hasWords(edge) && isReadable && <Label id={id} edge={edge} selected={selected} x={x} y={y} />}
    </>
  );
});

/** What holding something over it looks like: as an edge that takes a node, or as one that does not. */
function aimAt(edge: EdgeDoc | undefined): "open" | "closed" | null {
  return edge === undefined ? null : takesNode(edge) ? "open" : "closed";
}

const LOOKS = {
  plain: { stroke: "!stroke-line-strong", head: "arrow" },
  accent: { stroke: "!stroke-accent", head: "arrow-accent" },
  bad: { stroke: "!stroke-bad", head: "arrow-bad" },
};

/** Its own way where it has one; else plainly from one of its ends to the other. */
function drawn({ data, sourceX, sourceY, targetX, targetY }: EdgeProps<CanvasEdge>): Point & { path: string } {
  const path = data?.line.path ?? pathOf(plainWay({ from: { x: sourceX, y: sourceY }, to: { x: targetX, y: targetY } }));
  return { path, ...(data?.line.label ?? { x: (sourceX + targetX) / 2, y: (sourceY + targetY) / 2 }) };
}

function hasWords({ when, otherwise, max_rounds }: EdgeDoc): boolean {
  return Boolean(when) || otherwise === true || typeof max_rounds === "number";
}

interface LabelProps {
  id: string;
  edge: EdgeDoc;
  selected: boolean;
  x: number;
  y: number;
}

function Label({ id, edge, selected, x, y }: LabelProps) {
  const t = useTranslations("canvas.edge");
  const builder = useBuilderStore();
  const ask = useContext(Ask);
  return (
    <EdgeLabelRenderer>
      <div
        data-edge={id}
        // React sets this through the style object, not as an attribute: the page's policy lets it.
        style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
        onClick={() => builder.getState().select([], [id])}
        onDoubleClick={() => builder.getState().isReadOnly || !takesNode(edge) || ask({ is: "insert", into: id })}
        className={clsx(
          "pointer-events-auto absolute flex max-w-44 cursor-pointer items-center gap-1 rounded-sm border bg-surface px-1.5 py-0.5 text-xs",
          selected ? "border-accent text-accent" : "border-line text-soft",
        )}
      >
        <span className="truncate" title={conditionText(edge, t("otherwise"))}>{conditionText(edge, t("otherwise"))}</span>
        {typeof edge.max_rounds === "number" && (
          <span className="flex shrink-0 items-center gap-0.5 font-medium" title={t("back", { count: edge.max_rounds })}>
            <RotateCcw aria-hidden className="size-3" />
            {t("rounds", { count: edge.max_rounds })}
          </span>
        )}
      </div>
    </EdgeLabelRenderer>
  );
}

/** What an edge depends on, in one line. */
export function conditionText({ when, otherwise }: EdgeDoc, words: string): string {
  if (when) return `${when.value} ${when.op} ${typeof when.than === "string" ? `“${when.than}”` : JSON.stringify(when.than)}`;
  return otherwise === true ? words : "";
}

const WRONG = new WeakMap<Checked, ReadonlySet<string>>();
const NONE: ReadonlySet<string> = new Set();

function wrongEdges(checked: Checked | null): ReadonlySet<string> {
  if (checked === null) return NONE;
  const known = WRONG.get(checked);
  if (known !== undefined) return known;
  const problems = placed(checked.verdict.problems, checked.document);
  const found = new Set(problems.filter(({ place }) => place.is === "edge").map(({ place }) => place.id));
  WRONG.set(checked, found);
  return found;
}

/** The heads of edges. Drawn once, beside the canvas. */
export function Arrows() {
  return (
    <svg aria-hidden className="absolute size-0">
      <defs>
        {[
          ["arrow", "fill-line-strong"],
          ["arrow-accent", "fill-accent"],
          ["arrow-bad", "fill-bad"],
        ].map(([id, fill]) => (
          <marker key={id} id={id} viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" markerWidth="12" markerHeight="12" orient="auto">
            <path d="M 0 0.5 L 10 5 L 0 9.5 z" className={fill} />
          </marker>
        ))}
      </defs>
    </svg>
  );
}
