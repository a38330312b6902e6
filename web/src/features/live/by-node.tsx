"use client";

// What each node took of a run's calls, tokens, time and cost.
import { useTranslations } from "use-intl";
import type { NodeView, RunView } from "@/run/events";
import { useFigures } from "@/shared/format/figures";
import { Meter } from "@/shared/ui/bits";
import { Cell, Table } from "./table";

export function ByNode({ view }: { view: RunView }) {
  const t = useTranslations("live.by_node");
  const nodes = view.nodes.filter(({ calls, reused_calls: reused }) => calls + reused > 0);
  // Where nothing was paid, or a price is not known, what was written tells who did how much of the work.
  const isPriced = view.totals.cost_usd !== null && view.totals.cost_usd > 0;
  const weight = (node: NodeView) => (isPriced ? (node.cost_usd ?? 0) : node.tokens);
  const all = nodes.reduce((sum, node) => sum + weight(node), 0);
  return (
    <Table
      caption={t("label")}
      heads={[t("node"), t("model"), t("calls"), t("read"), t("written"), t("time"), t("cost"), isPriced ? t("share_cost") : t("share_written")]}
    >
      {nodes.map((node) => (
        <NodeRow key={node.id} node={node} share={all > 0 ? weight(node) / all : 0} />
      ))}
    </Table>
  );
}

function NodeRow({ node, share }: { node: NodeView; share: number }) {
  const t = useTranslations("live.by_node");
  const figures = useFigures();
  const at = node.id.lastIndexOf("/");
  const name = at < 0 ? node.label : `${node.id.slice(0, at)} › ${node.label}`;
  return (
    <tr>
      <Cell>{name}</Cell>
      <Cell>{node.model ?? "–"}</Cell>
      <Figure>{node.calls === 0 ? t("reused") : figures.number(node.calls)}</Figure>
      <Figure>{figures.number(node.prompt_tokens)}</Figure>
      <Figure>{figures.number(node.tokens)}</Figure>
      <Figure>{figures.seconds(node.seconds)}</Figure>
      <Figure>{node.calls === 0 ? "–" : node.cost_usd === null ? t("unknown") : figures.usd(node.cost_usd)}</Figure>
      <td className="w-28 border-b border-line py-1.5 text-xs text-soft tabular-nums">
        {figures.share(share)}
        <Meter label={t("share_of", { node: name })} value={share} />
      </td>
    </tr>
  );
}

function Figure({ children }: { children: string }) {
  return <td className="border-b border-line py-1.5 pr-3 whitespace-nowrap tabular-nums">{children}</td>;
}
