"use client";

// The buttons on the canvas: everything that its keys do with what is selected and with the view.
import { useReactFlow } from "@xyflow/react";
import { Copy, Keyboard, Maximize, Network, PenLine, Plus, Redo2, Search, Spline, StickyNote, Trash2, Undo2, ZoomIn, ZoomOut } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { IconButton } from "@/shared/ui/button";
import { removeSelected, tidy } from "../actions";
import { selectedCount, selectedNode, selectedOpenEdge, useBuilder, useBuilderStore } from "../store";
import type { Asking } from "./asking";
import type { Doing } from "./use-keys";

const BAR = "flex rounded-md border border-line bg-surface p-0.5 shadow-lift";
const FIT = { maxZoom: 1, padding: 0.15 };

/** `hasFind`: there are so many nodes that one may look for one. */
export function Toolbar({ ask, hasFind, doing }: { ask: Asking; hasFind: boolean; doing: Doing }) {
  const t = useTranslations("canvas.toolbar");
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  return (
    <div role="toolbar" aria-label={t("label")} className="pointer-events-none absolute inset-x-3 top-3 flex flex-wrap gap-2 *:pointer-events-auto">
      {!isReadOnly && <Edits doing={doing} />}
      {!isReadOnly && <OfSelection ask={ask} doing={doing} />}
      <View ask={ask} isReadOnly={isReadOnly} hasFind={hasFind} />
    </div>
  );
}

function Edits({ doing }: { doing: Doing }) {
  const t = useTranslations("canvas.toolbar");
  const builder = useBuilderStore();
  const canUndo = useBuilder((state) => state.history.past.length > 0);
  const canRedo = useBuilder((state) => state.history.future.length > 0);
  return (
    <div className={BAR}>
      <Tool label={t("undo")} disabled={!canUndo} onClick={() => builder.getState().undo()} icon={<Undo2 aria-hidden className="size-4" />} />
      <Tool label={t("redo")} disabled={!canRedo} onClick={() => builder.getState().redo()} icon={<Redo2 aria-hidden className="size-4" />} />
      <Tool label={t("note")} onClick={doing.note} icon={<StickyNote aria-hidden className="size-4" />} />
    </div>
  );
}

function OfSelection({ ask, doing }: { ask: Asking; doing: Doing }) {
  const t = useTranslations("canvas.toolbar");
  const builder = useBuilderStore();
  const node = useBuilder(selectedNode);
  const edge = useBuilder(selectedOpenEdge);
  const canCopy = useBuilder((state) => selectedCount(state) > 0);
  const hasAny = useBuilder((state) => selectedCount(state) + state.selection.edges.size > 0);
  if (!hasAny) return null;
  return (
    <div className={BAR}>
      {node !== null && (
        <>
          <Tool label={t("connect")} onClick={() => ask({ is: "connect", from: node })} icon={<Spline aria-hidden className="size-4" />} />
          <Tool label={t("rename")} onClick={() => ask({ is: "rename", node })} icon={<PenLine aria-hidden className="size-4" />} />
        </>
      )}
      {edge !== null && <Tool label={t("insert")} onClick={() => ask({ is: "insert", into: edge })} icon={<Plus aria-hidden className="size-4" />} />}
      {canCopy && <Tool label={t("duplicate")} onClick={doing.duplicate} icon={<Copy aria-hidden className="size-4" />} />}
      <Tool label={t("delete")} onClick={() => removeSelected(builder)} icon={<Trash2 aria-hidden className="size-4" />} />
    </div>
  );
}

function View({ ask, isReadOnly, hasFind }: { ask: Asking; isReadOnly: boolean; hasFind: boolean }) {
  const t = useTranslations("canvas.toolbar");
  const builder = useBuilderStore();
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  const order = () => {
    tidy(builder);
    requestAnimationFrame(() => void fitView(FIT));
  };
  return (
    <div className={BAR}>
      {!isReadOnly && <Tool label={t("tidy")} onClick={order} icon={<Network aria-hidden className="size-4" />} />}
      {hasFind && <Tool label={t("find")} onClick={() => ask({ is: "find" })} icon={<Search aria-hidden className="size-4" />} />}
      <Tool label={t("fit")} onClick={() => void fitView(FIT)} icon={<Maximize aria-hidden className="size-4" />} />
      <Tool label={t("zoom_out")} onClick={() => void zoomOut()} icon={<ZoomOut aria-hidden className="size-4" />} />
      <Tool label={t("zoom_in")} onClick={() => void zoomIn()} icon={<ZoomIn aria-hidden className="size-4" />} />
      <Tool label={t("keys")} onClick={() => ask({ is: "help" })} icon={<Keyboard aria-hidden className="size-4" />} />
    </div>
  );
}

interface ToolProps {
  label: string;
  icon: ReactNode;
  onClick: () => void;
  disabled?: boolean;
}

function Tool({ label, icon, onClick, disabled = false }: ToolProps) {
  return (
    <IconButton label={label} size="sm" disabled={disabled} onClick={onClick}>
      {icon}
    </IconButton>
  );
}
