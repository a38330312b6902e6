"use client";

// How a run or a node stands, in a word and a colour; never in a colour alone.
import {
  Ban,
  CircleCheck,
  CircleDashed,
  CirclePause,
  CircleStop,
  CircleX,
  Gauge,
  LoaderCircle,
  MessageCircleQuestion,
  Pin,
  type LucideIcon,
} from "lucide-react";
import { useTranslations } from "use-intl";
import type { NodeView, RunView } from "@/run/events";
import { Badge, type Tone } from "./bits";

const RUNS: Record<RunView["status"], [Tone, LucideIcon]> = {
  queued: ["plain", CircleDashed],
  running: ["accent", LoaderCircle],
  waiting: ["warn", MessageCircleQuestion],
  paused: ["warn", CirclePause],
  completed: ["good", CircleCheck],
  declined: ["warn", Ban],
  failed: ["bad", CircleX],
  cancelled: ["plain", Ban],
  limit_exceeded: ["bad", Gauge],
};

/** How a node stands to whoever looks: one that was at work when the run ended was not skipped. */
export type NodeStanding = NodeView["status"] | "declined" | "left";

/** `hasDeclined`: it was its model that did not take the question, not that of one at work beside it. */
export function standingOf(node: Pick<NodeView, "status" | "visits">, hasDeclined: boolean): NodeStanding {
  if (node.status !== "skipped" || node.visits === 0) return node.status;
  return hasDeclined ? "declined" : "left";
}

const NODES: Record<NodeStanding, [Tone, LucideIcon]> = {
  waiting: ["plain", CircleDashed],
  pinned: ["plain", Pin],
  running: ["accent", LoaderCircle],
  waiting_for_person: ["warn", MessageCircleQuestion],
  completed: ["good", CircleCheck],
  failed: ["bad", CircleX],
  skipped: ["plain", Ban],
  declined: ["warn", Ban],
  left: ["plain", CircleStop],
};

export function RunStatus({ status }: { status: RunView["status"] }) {
  const t = useTranslations("common.status");
  const [tone, Icon] = RUNS[status];
  return (
    <Badge tone={tone}>
      <Icon aria-hidden className={`size-3 ${status === "running" ? "animate-spin" : ""}`} />
      {t(status)}
    </Badge>
  );
}

export function NodeStatus({ status }: { status: NodeStanding }) {
  const t = useTranslations("common.node_status");
  const [tone, Icon] = NODES[status];
  return (
    <Badge tone={tone}>
      <Icon aria-hidden className={`size-3 ${status === "running" ? "animate-spin" : ""}`} />
      {t(status)}
    </Badge>
  );
}
