"use client";

// A node on the canvas: what it is, what is wrong with it, and how it stands in the run that is watched.
import { Handle, Position, type NodeProps } from "@xyflow/react";
import clsx from "clsx";
import { CircleAlert, TriangleAlert } from "lucide-react";
import { memo } from "react";
import { useLocale, useTranslations } from "use-intl";
import { inLanguage } from "@/shared/flow/text";
import { Badge } from "@/shared/ui/bits";
import { NodeStatus } from "@/shared/ui/status";
import type { NodeDoc } from "../document";
import { KindIcon, useKindName } from "../palette/looks";
import { placed } from "../problems/places";
import { flowNow, useBuilder, type Checked, type WatchedNode } from "../store";
import type { StepNode } from "./elements";

const DOT = "!size-2.5 !rounded-full !border-2 !border-surface !bg-line-strong after:absolute after:-inset-3 hover:!bg-accent";

export const FlowNode = memo(function FlowNode({ id, data, selected }: NodeProps<StepNode>) {
  const { node } = data;
  const kindName = useKindName();
  const language = useLocale();
  const watched = useBuilder((state) => state.watched.get(id));
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const faults = useBuilder((state) => faultsOf(state.checked).get(id) ?? "");
  return (
    <div
      className={clsx(
        "flex size-full items-center gap-2.5 rounded-lg border bg-surface px-3",
        selected ? "border-accent ring-2 ring-accent" : "border-line-strong/60 hover:border-line-strong",
        watched !== undefined && RUN_LOOKS[watched.status],
      )}
    >
      <Handle type="target" position={Position.Left} isConnectable={!isReadOnly} className={DOT} />
      <span className="flex size-8 shrink-0 items-center justify-center rounded-md bg-accent-soft text-accent">
        <KindIcon kind={node.kind} className="size-4" />
      </span>
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">{inLanguage(node.label, language) || id}</span>
        <span className="block truncate text-xs text-soft">{[kindName(node.kind), modelOf(node)].filter(Boolean).join(" · ")}</span>
      </span>
      <Marks id={id} faults={faults} watched={watched} />
      <Handle type="source" position={Position.Right} isConnectable={!isReadOnly} className={DOT} />
    </div>
  );
});

const RUN_LOOKS: Record<WatchedNode["status"], string> = {
  waiting: "",
  pinned: "border-dashed",
  running: "!border-accent !bg-accent-soft",
  waiting_for_person: "!border-warn !bg-warn-soft",
  completed: "!border-good",
  failed: "!border-bad !bg-bad-soft",
  skipped: "opacity-60",
};

interface MarksProps {
  id: string;
  faults: string;
  watched: WatchedNode | undefined;
}

/** At the node's upper edge: what it gives to the run, how it stands, what is wrong with it. */
function Marks({ id, faults, watched }: MarksProps) {
  const t = useTranslations("canvas.node");
  const part = useBuilder((state) => partOf(flowNow(state), id));
  const [errors = 0, warnings = 0] = faults.split(" ").map(Number);
  return (
    <span className="absolute -top-2.5 right-2 flex gap-1">
      {part !== null && <Badge tone="accent">{t(part)}</Badge>}
      {watched !== undefined && watched.status !== "waiting" && <NodeStatus status={watched.status} />}
      {watched !== undefined && watched.visits > 1 && <Badge title={t("rounds", { count: watched.visits })}>×{watched.visits}</Badge>}
      {errors > 0 && (
        <Badge tone="bad" title={t("problems", { count: errors })}>
          <CircleAlert aria-hidden className="size-3" />
          {errors}
          <span className="sr-only">{t("problems", { count: errors })}</span>
        </Badge>
      )}
      {errors === 0 && warnings > 0 && (
        <Badge tone="warn" title={t("warnings", { count: warnings })}>
          <TriangleAlert aria-hidden className="size-3" />
          {warnings}
          <span className="sr-only">{t("warnings", { count: warnings })}</span>
        </Badge>
      )}
    </span>
  );
}

function partOf({ answer, draft }: { answer?: string | null; draft?: string | null }, id: string): "answer" | "draft" | null {
  if (answer === id) return "answer";
  return draft === id ? "draft" : null;
}

/** Which model a node asks, where it says so. */
function modelOf(node: NodeDoc): string {
  const { model, models, flow } = node;
  const named = [model, ...(Array.isArray(models) ? models : []), node.kind === "subflow" ? flow : null];
  return named.filter((one) => typeof one === "string" && one !== "").join(", ");
}

const FAULTS = new WeakMap<Checked, ReadonlyMap<string, string>>();
const NONE: ReadonlyMap<string, string> = new Map();

/** Of each node with problems how many are errors and how many warnings, as one text: equal ones render nothing anew. */
export function faultsOf(checked: Checked | null): ReadonlyMap<string, string> {
  if (checked === null) return NONE;
  const known = FAULTS.get(checked);
  if (known !== undefined) return known;
  const counts = new Map<string, [number, number]>();
  for (const { place, severity } of placed(checked.verdict.problems, checked.document)) {
    if (place.is !== "node") continue;
    const [errors, warnings] = counts.get(place.id) ?? [0, 0];
    counts.set(place.id, severity === "error" ? [errors + 1, warnings] : [errors, warnings + 1]);
  }
  const found = new Map([...counts].map(([id, count]) => [id, count.join(" ")]));
  FAULTS.set(checked, found);
  return found;
}
