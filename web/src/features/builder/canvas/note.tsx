"use client";

// A note on the canvas. Its words can be read at once; what shows them as Markdown and takes edits is loaded behind them.
import type { NodeProps } from "@xyflow/react";
import clsx from "clsx";
import { lazy, memo, Suspense } from "react";
import { useBuilder } from "../store";
import { noteOfKey, type Note, type NoteTone } from "../notes";
import type { NoteNode } from "./elements";

const LOOKS: Record<NoteTone, string> = {
  plain: "bg-surface border-line-strong/60",
  accent: "bg-accent-soft border-accent/40",
  warn: "bg-warn-soft border-warn/40",
};

export interface NoteProps {
  id: string;
  note: Note;
  isSelected: boolean;
  isReadOnly: boolean;
}

/** Where the rest cannot be loaded the words stay as they were written. */
const Live = lazy(() => import("./note-live").then(({ LiveNote }) => ({ default: LiveNote }), () => ({ default: Written })));

export const FlowNote = memo(function FlowNote({ id, data: { note }, selected }: NodeProps<NoteNode>) {
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const props = { id: noteOfKey(id) ?? "", note, isSelected: selected, isReadOnly };
  return (
    <div className={clsx("size-full rounded-lg border text-sm", LOOKS[note.tone], selected && "!border-accent ring-2 ring-accent")}>
      <Suspense fallback={<Written {...props} />}>
        <Live {...props} />
      </Suspense>
    </div>
  );
});

function Written({ note }: NoteProps) {
  return <p className="size-full overflow-hidden px-3 py-2 whitespace-pre-wrap">{note.text}</p>;
}
