"use client";

// Lists to choose from by keyboard: the node to connect to or to go to, the edge to go to.
import { Command } from "cmdk";
import { StickyNote } from "lucide-react";
import { useLocale, useTranslations } from "use-intl";
import { inLanguage } from "@/shared/flow/text";
import { Dialog } from "@/shared/ui/dialog";
import { closesLoop, connect, edgeIds, type NodeDoc } from "../document";
import { KindIcon } from "../palette/looks";
import { firstWords, keyOfNote, notesOf } from "../notes";
import { flowNow, useBuilder, useBuilderStore } from "../store";
import { conditionText } from "./edge";

export const INPUT = "h-12 w-full border-b border-line bg-transparent px-4 text-lg outline-none placeholder:text-soft";
export const ITEM =
  "flex cursor-default items-center gap-2 rounded-sm px-2 py-1.5 data-[disabled=true]:opacity-50 data-[selected=true]:bg-sunken";
export const LIST = "max-h-[50dvh] overflow-y-auto p-2";
export const NOTHING = "px-2 py-6 text-center text-soft";

function useNameOf(): (node: NodeDoc) => string {
  const language = useLocale();
  return ({ id, label }) => inLanguage(label, language) || id;
}

export function ConnectList({ from, onClose }: { from: string; onClose: () => void }) {
  const t = useTranslations("canvas");
  const builder = useBuilderStore();
  const flow = useBuilder(flowNow);
  const nameOf = useNameOf();
  const there = new Set(flow.edges.filter((edge) => edge.from === from).map(({ to }) => to));
  const choose = (to: string) => {
    onClose();
    builder.getState().edit((now) => connect(now, from, to));
    builder.getState().show(from);
  };
  const title = t("connect.title", { name: from });
  return (
    <Dialog open title={title} place="top" onClose={onClose}>
      <Command label={title} loop className="-m-4">
        <Command.Input data-autofocus placeholder={t("connect.search")} className={INPUT} />
        <Command.List className={LIST}>
          <Command.Empty className={NOTHING}>{t("connect.none")}</Command.Empty>
          {flow.nodes.map((node) => (
            <Command.Item
              key={node.id}
              value={`${nameOf(node)} ${node.id}`}
              disabled={there.has(node.id)}
              onSelect={() => choose(node.id)}
              className={ITEM}
            >
              <KindIcon kind={node.kind} className="size-4 shrink-0 text-soft" />
              <span className="min-w-0 truncate">{nameOf(node)}</span>
              <span className="ml-auto shrink-0 text-xs text-soft">
                {there.has(node.id) ? t("connect.there") : closesLoop(flow, from, node.id) ? t("connect.back") : node.id}
              </span>
            </Command.Item>
          ))}
        </Command.List>
      </Command>
    </Dialog>
  );
}

/** Goes to the node or note that is chosen. */
export function NodeList({ onClose }: { onClose: () => void }) {
  const t = useTranslations("canvas.find");
  const builder = useBuilderStore();
  const flow = useBuilder(flowNow);
  const nameOf = useNameOf();
  const choose = (id: string) => {
    onClose();
    builder.getState().show(id);
  };
  return (
    <Dialog open title={t("title")} place="top" onClose={onClose}>
      <Command label={t("title")} loop className="-m-4">
        <Command.Input data-autofocus placeholder={t("search")} className={INPUT} />
        <Command.List className={LIST}>
          <Command.Empty className={NOTHING}>{t("none")}</Command.Empty>
          {flow.nodes.map((node) => (
            <Command.Item key={node.id} value={`${nameOf(node)} ${node.id} ${node.kind}`} onSelect={() => choose(node.id)} className={ITEM}>
              <KindIcon kind={node.kind} className="size-4 shrink-0 text-soft" />
              <span className="min-w-0 truncate">{nameOf(node)}</span>
              <span className="ml-auto shrink-0 font-mono text-xs text-soft">{node.id}</span>
            </Command.Item>
          ))}
          {[...notesOf(flow)].map(([id, note]) => (
            <Command.Item key={keyOfNote(id)} value={`${note.text} ${id}`} onSelect={() => choose(keyOfNote(id))} className={ITEM}>
              <StickyNote aria-hidden className="size-4 shrink-0 text-soft" />
              <span className="min-w-0 truncate">{firstWords(note) || id}</span>
            </Command.Item>
          ))}
        </Command.List>
      </Command>
    </Dialog>
  );
}

export function EdgeList({ of, onClose }: { of: string; onClose: () => void }) {
  const t = useTranslations("canvas");
  const builder = useBuilderStore();
  const flow = useBuilder(flowNow);
  const ids = edgeIds(flow.edges);
  const title = t("edges.title", { name: of });
  const choose = (id: string) => {
    onClose();
    builder.getState().select([], [id]);
  };
  return (
    <Dialog open title={title} place="top" onClose={onClose}>
      <Command label={title} loop className="-m-4">
        <Command.Input data-autofocus placeholder={t("edges.search")} className={INPUT} />
        <Command.List className={LIST}>
          <Command.Empty className={NOTHING}>{t("edges.none")}</Command.Empty>
          {flow.edges.map((edge, index) => {
            const id = ids[index] ?? "";
            if (edge.from !== of && edge.to !== of) return null;
            const label = t("edge.label", { from: edge.from, to: edge.to });
            return (
              <Command.Item key={id} value={id} keywords={[label]} onSelect={() => choose(id)} className={ITEM}>
                <span className="min-w-0 truncate">{label}</span>
                <span className="ml-auto shrink-0 text-xs text-soft">{conditionText(edge, t("edge.otherwise"))}</span>
              </Command.Item>
            );
          })}
        </Command.List>
      </Command>
    </Dialog>
  );
}
