"use client";

// The palette as a dialog: for the keyboard, for small screens, and for a connection that was let go over nothing.
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Checkbox } from "@/shared/ui/field";
import { Dialog } from "@/shared/ui/dialog";
import { add, insert } from "../actions";
import type { Position } from "../document";
import { useBuilderStore } from "../store";
import { Palette } from "./palette";

interface AddDialogProps {
  /** The node that the new one follows, unless the user says otherwise. */
  after: string | null;
  at?: Position;
  /** The edge that it is put into. */
  into?: string;
  onClose: () => void;
}

export function AddDialog({ after, at, into, onClose }: AddDialogProps) {
  const t = useTranslations("canvas");
  const builder = useBuilderStore();
  const [isBehind, setBehind] = useState(true);
  const choose = (kind: string) => {
    onClose();
    if (into !== undefined) insert(builder, kind, into);
    else add(builder, { kind, after: isBehind ? after : null, ...(at && { at }) });
  };
  return (
    <Dialog open title={t(into === undefined ? "add" : "insert")} place="top" onClose={onClose}>
      <div className="-m-4 flex max-h-[60dvh] flex-col">
        {after !== null && (
          <div className="border-b border-line px-4 py-2">
            <Checkbox label={t("palette.behind", { name: after })} checked={isBehind} onChange={(event) => setBehind(event.target.checked)} />
          </div>
        )}
        <Palette autoFocus onChoose={choose} />
      </div>
    </Dialog>
  );
}
