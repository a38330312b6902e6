"use client";

// The flow of a run as a picture that lights up node by node (FlowVisualizer).
import clsx from "clsx";
import { Ban, Check, CircleDashed, CircleStop, LoaderCircle, MessageCircleQuestion, Pin, X, type LucideIcon } from "lucide-react";
import { useMemo } from "react";
import { useTranslations } from "use-intl";
import type { EdgeConfig, FlowConfig } from "@/run/events";
import { isNoAnswer, type Transcript } from "@/run/transcript";
import { useFigures } from "@/shared/format/figures";
import { pathOf, type Point, type Way } from "@/shared/flow/path";
import { useNode, useRunState } from "@/shared/run/run";
import { standingOf, type NodeStanding } from "@/shared/ui/status";
import { showTurn } from "./anchors";
import { useRunHere } from "./here";
import { COUNT, NODE, pictured, SMALLEST } from "./picture";

interface FlowVisualizerProps {
  flow: FlowConfig;
  width: number;
}

export function FlowVisualizer({ flow, width }: FlowVisualizerProps) {
  const t = useTranslations("live.graph");
  const { places, ways, counts, size, scale } = useMemo(() => pictured(flow, width), [flow, width]);
  return (
    <div className="overflow-auto" role="group" aria-label={t("label")}>
      <svg
        viewBox={`0 0 ${size.width} ${size.height}`}
        width={size.width * scale}
        style={{ minWidth: size.width * SMALLEST }}
        className="mx-auto block h-auto max-w-full"
      >
        <defs>
          <marker id="taken" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
            <path d="M0 0.5 L8 4 L0 7.5 z" className="fill-accent" />
          </marker>
          <marker id="not-taken" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
            <path d="M0 0.5 L8 4 L0 7.5 z" className="fill-line-strong" />
          </marker>
        </defs>
        {flow.edges.map((edge, index) => (
          <Line key={index} edge={edge} way={ways[index] ?? null} />
        ))}
        {flow.edges.map((edge, index) => (
          <Count key={index} edge={edge} at={counts[index] ?? null} />
        ))}
        {flow.nodes.map(({ id }) => {
          const place = places.get(id);
          return place && <Node key={id} id={id} x={place.x} y={place.y} />;
        })}
      </svg>
    </div>
  );
}

function useTaken(edge: EdgeConfig): number {
  return useRunState(
    useRunHere(),
    ({ view }) => view?.edges.find(({ source, target }) => source === edge.from && target === edge.to)?.taken ?? 0,
  );
}

function Line({ edge, way }: { edge: EdgeConfig; way: Way | null }) {
  const taken = useTaken(edge);
  const isTaken = taken > 0;
  const isChoice = edge.when !== null || edge.otherwise || edge.max_rounds !== null;
  if (way === null) return null;
  return (
    <g data-edge={`${edge.from} ${edge.to}`} data-taken={taken}>
      <path
        d={pathOf(way)}
        fill="none"
        strokeWidth={isTaken ? 1.8 : 1.2}
        strokeDasharray={isChoice && !isTaken ? "4 3" : undefined}
        markerEnd={isTaken ? "url(#taken)" : "url(#not-taken)"}
        className={isTaken ? "stroke-accent" : "stroke-line-strong opacity-60"}
      />
    </g>
  );
}

/** How often an edge was taken, above every line: where that is more than once, or might be. */
function Count({ edge, at }: { edge: EdgeConfig; at: Point | null }) {
  const t = useTranslations("live.graph");
  const taken = useTaken(edge);
  if (at === null || taken === 0 || (taken === 1 && edge.max_rounds === null)) return null;
  const { x, y } = at;
  return (
    <g>
      <title>{t("taken", { count: taken })}</title>
      <rect x={x - COUNT.width / 2} y={y - COUNT.height / 2} {...COUNT} rx="4" className="fill-accent-soft" />
      <text x={x} y={y + 4} textAnchor="middle" className="fill-accent text-[11px] font-semibold">
        ×{taken}
      </text>
    </g>
  );
}

const LOOKS: Record<NodeStanding, [string, LucideIcon]> = {
  waiting: ["border-line text-soft", CircleDashed],
  running: ["border-accent bg-accent-soft text-accent ring-2 ring-accent/30", LoaderCircle],
  waiting_for_person: ["border-warn bg-warn-soft text-warn ring-2 ring-warn/30", MessageCircleQuestion],
  completed: ["border-good/60 text-good", Check],
  failed: ["border-bad bg-bad-soft text-bad", X],
  skipped: ["border-line border-dashed text-soft", Ban],
  pinned: ["border-line-strong text-soft", Pin],
  declined: ["border-warn/60 bg-warn-soft text-warn", Ban],
  left: ["border-line-strong border-dashed text-soft", CircleStop],
};

function Node({ id, x, y }: { id: string; x: number; y: number }) {
  const t = useTranslations();
  const figures = useFigures();
  const run = useRunHere();
  const node = useNode(run, id);
  const inside = useRunState(run, ({ view }) => view?.nodes.filter((other) => isWithin(other.id, id)).length ?? 0);
  const hasDeclined = useRunState(run, ({ view, transcript }) => view?.status === "declined" && isOfDeclined(transcript, id));
  if (node === undefined) return null;
  const standing = standingOf(node, hasDeclined);
  const [look, Icon] = LOOKS[standing];
  const details = [
    node.visits > 1 ? t("live.graph.rounds", { count: node.visits }) : "",
    inside > 0 ? t("live.graph.inside", { count: inside }) : "",
    node.status === "completed" ? figures.seconds(node.seconds) : t(`common.node_status.${standing}`),
  ].filter((text) => text !== "");
  return (
    <foreignObject x={x} y={y} width={NODE.width} height={NODE.height} className="overflow-visible">
      <button
        type="button"
        data-node={id}
        data-status={node.status}
        data-visits={node.visits}
        disabled={node.visits === 0}
        onClick={() => showTurn(id, node.visits)}
        className={clsx(
          "flex h-full w-full items-center gap-2 rounded-md border bg-surface px-2 text-start transition-colors disabled:cursor-default",
          look,
        )}
      >
        <Icon aria-hidden className={clsx("size-4 shrink-0", node.status === "running" && "animate-spin")} />
        <span className="min-w-0">
          <span className="block truncate text-sm font-medium text-ink" title={node.label}>
            {node.label}
          </span>
          <span className="block truncate text-xs text-soft">{details.join(" · ")}</span>
        </span>
      </button>
    </foreignObject>
  );
}

function isOfDeclined({ lanes }: Transcript, id: string): boolean {
  return [...lanes.values()].some((lane) => (lane.node === id || isWithin(lane.node, id)) && isNoAnswer(lane));
}

function isWithin(other: string, id: string): boolean {
  return other.startsWith(id) && ["/", "[", "~"].includes(other.charAt(id.length));
}
