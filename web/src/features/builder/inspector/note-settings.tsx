"use client";

// The settings of a note: what it says, its colour, its size.
import { Trash2 } from "lucide-react";
import { useTranslations } from "use-intl";
import { Button } from "@/shared/ui/button";
import { Segmented, TextArea } from "@/shared/ui/field";
import { removeSelected } from "../actions";
import { changeNote, NOTE_BOUNDS, NOTE_TONES, notesOf, type Note, type NoteTone } from "../notes";
import { flowNow, useBuilder, useBuilderStore } from "../store";
import { NumberField } from "./values";

export function NoteSettings({ id }: { id: string }) {
  const t = useTranslations("canvas.note");
  const builder = useBuilderStore();
  const note = useBuilder((state) => notesOf(flowNow(state)).get(id));
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  if (note === undefined) return null;
  const set = (change: Partial<Note>, part: string) => builder.getState().edit((flow) => changeNote(flow, id, change), `note/${id}/${part}`);
  return (
    <div className="flex flex-col gap-4">
      <TextArea
        label={t("text")}
        hint={t("hint")}
        rows={10}
        maxLength={NOTE_BOUNDS.chars}
        value={note.text}
        readOnly={isReadOnly}
        onChange={({ target }) => set({ text: target.value }, "text")}
      />
      {!isReadOnly && (
        <>
          <Segmented<NoteTone>
            label={t("tone")}
            value={note.tone}
            options={NOTE_TONES.map((value) => ({ value, label: t(`tones.${value}`) }))}
            onChange={(tone) => set({ tone }, "tone")}
          />
          <div className="grid grid-cols-2 items-start gap-3">
            {(["width", "height"] as const).map((side) => (
              <NumberField
                key={side}
                label={t(side)}
                value={note[side]}
                control={{ is: "number", isWhole: true, isOver: false, ...NOTE_BOUNDS[side] }}
                onChange={(value) => value !== undefined && set({ [side]: value }, side)}
              />
            ))}
          </div>
          <Button look="danger" size="sm" className="w-fit" onClick={() => removeSelected(builder)}>
            <Trash2 aria-hidden className="size-4" />
            {t("delete")}
          </Button>
        </>
      )}
    </div>
  );
}
