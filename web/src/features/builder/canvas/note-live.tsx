"use client";

// What a note on the canvas says, as Markdown; written in place after a double click, and drawn larger by its edges.
import { NodeResizer } from "@xyflow/react";
import clsx from "clsx";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useTranslations } from "use-intl";
import { Markdown } from "@/shared/markdown/markdown";
import { changeNote, keyOfNote, NOTE_BOUNDS } from "../notes";
import { useBuilderStore } from "../store";
import type { NoteProps } from "./note";

export function LiveNote({ id, note, isSelected, isReadOnly }: NoteProps) {
  const t = useTranslations("canvas.note");
  const [isWriting, setWriting] = useState(false);
  return (
    <>
      <NodeResizer
        isVisible={isSelected && !isReadOnly}
        minWidth={NOTE_BOUNDS.width.min}
        maxWidth={NOTE_BOUNDS.width.max}
        minHeight={NOTE_BOUNDS.height.min}
        maxHeight={NOTE_BOUNDS.height.max}
        lineClassName="!border-transparent"
        handleClassName="!size-2.5 !rounded-sm !border-surface !bg-accent"
      />
      {isWriting && !isReadOnly ? (
        <Writing id={id} text={note.text} onDone={() => setWriting(false)} />
      ) : (
        <div
          onDoubleClick={() => setWriting(true)}
          // A selected note is scrolled by the wheel; any other one lets it move the canvas.
          className={clsx("size-full px-3 py-2", isSelected ? "nowheel overflow-auto" : "overflow-hidden")}
        >
          {note.text.trim() === "" ? <p className="text-soft">{t(isReadOnly ? "empty_read_only" : "empty")}</p> : <Markdown text={note.text} />}
        </div>
      )}
    </>
  );
}

function Writing({ id, text, onDone }: { id: string; text: string; onDone: () => void }) {
  const t = useTranslations("canvas.note");
  const builder = useBuilderStore();
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(-1, -1);
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    onDone();
    builder.getState().show(keyOfNote(id));
  };
  return (
    <textarea
      ref={field}
      aria-label={t("text")}
      value={text}
      maxLength={NOTE_BOUNDS.chars}
      onChange={({ target }) => builder.getState().edit((flow) => changeNote(flow, id, { text: target.value }), `note/${id}/text`)}
      onBlur={onDone}
      onKeyDown={onKeyDown}
      className="nodrag nowheel nopan block size-full resize-none rounded-lg bg-transparent px-3 py-2 outline-none select-text"
    />
  );
}
