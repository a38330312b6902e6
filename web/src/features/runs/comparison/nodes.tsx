"use client";

// The nodes of both runs: what each said here and there, and what it took.
import { useState } from "react";
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { Badge } from "@/shared/ui/bits";
import { TextDiff } from "@/shared/ui/diff/text-diff";
import { Checkbox } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { NodeStatus } from "@/shared/ui/status";
import type { NodeView } from "@/run/events";
import type { NodeComparison, NodeSide } from "./queries";
import type { SidesProps } from "./screen";

export function Nodes({ comparison, left, right }: SidesProps) {
  const t = useTranslations("runs.comparison");
  const [onlyDiffering, setOnlyDiffering] = useState(false);
  const texts = [left, right].map((run) => new Map(run.nodes?.map((node) => [node.id, node.text ?? ""])));
  const shown = onlyDiffering ? comparison.nodes.filter(differs) : comparison.nodes;
  return (
    <Panel
      title={t("nodes")}
      flush
      actions={
        <Checkbox label={t("only_differing")} checked={onlyDiffering} onChange={(event) => setOnlyDiffering(event.target.checked)} />
      }
    >
      {shown.length === 0 && <p className="p-4 text-soft">{t("all_same")}</p>}
      <ul className="divide-y divide-line">
        {shown.map((node) => (
          <Node
            key={node.id}
            node={node}
            isFirst={node.id === comparison.first_difference}
            texts={[texts[0]?.get(node.id) ?? "", texts[1]?.get(node.id) ?? ""]}
          />
        ))}
      </ul>
    </Panel>
  );
}

function differs(node: NodeComparison): boolean {
  return node.left === null || node.right === null || !node.text.same || !node.same_fields;
}

interface NodeProps {
  node: NodeComparison;
  isFirst: boolean;
  texts: readonly [string, string];
}

/** Open where the texts differ; what is the same is a press away. */
function Node({ node, isFirst, texts }: NodeProps) {
  const t = useTranslations("runs.comparison");
  const text = node.text.same ? (node.same_fields ? t("same_text") : t("same_text_other_fields")) : t("other_text");
  return (
    <li className="min-w-0 p-4">
      <div className="mb-2 flex flex-wrap items-center gap-2">
        <h3 className="font-semibold">{node.label || node.id}</h3>
        <span className="text-sm text-soft">{node.kind}</span>
        <Badge tone={differs(node) ? "warn" : "plain"}>{text}</Badge>
        {isFirst && <Badge tone="accent">{t("first")}</Badge>}
      </div>
      <div className="mb-2 grid gap-x-4 gap-y-1 md:grid-cols-2">
        <Side name={t("left")} side={node.left} />
        <Side name={t("right")} side={node.right} />
      </div>
      {node.text.same ? (
        texts[0] !== "" && (
          <details>
            <summary className="w-fit rounded-sm text-sm text-soft hover:text-ink">{t("show_text")}</summary>
            <p className="mt-1 break-words whitespace-pre-wrap text-soft">{texts[0]}</p>
          </details>
        )
      ) : (
        <TextDiff before={texts[0]} after={texts[1]} view="split" labels={[t("left"), t("right")]} />
      )}
    </li>
  );
}

function Side({ name, side }: { name: string; side: NodeSide | null }) {
  const t = useTranslations("runs.comparison");
  const figures = useFigures();
  if (side === null)
    return (
      <p className="text-sm text-soft">
        <span className="sr-only">{name}: </span>
        {t("no_such_node")}
      </p>
    );
  return (
    <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-soft tabular-nums">
      <span className="md:sr-only">{name}</span>
      <NodeStatus status={side.status as NodeView["status"]} />
      {side.model !== null && <span>{side.model}</span>}
      {side.visits > 1 && <span>{t("visits", { count: side.visits })}</span>}
      {side.calls > 0 && <span>{figures.calls(side.calls)}</span>}
      {side.reused_calls > 0 && (
        <Badge tone="good">
          {t("reused")}: {side.reused_calls}
        </Badge>
      )}
      {side.calls > 0 && <span>{figures.tokens(side.prompt_tokens + side.tokens)}</span>}
      {side.calls > 0 && <span>{figures.usd(side.cost_usd)}</span>}
      <span>{figures.seconds(side.seconds)}</span>
    </p>
  );
}
