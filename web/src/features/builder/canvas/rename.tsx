"use client";

// Gives a node another name, everywhere in the flow.
import { useState, type FormEvent } from "react";
import { useTranslations } from "use-intl";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { TextField } from "@/shared/ui/field";
import { isName, takenNames } from "../document";
import { renameNode } from "../document-names";
import { flowNow, useBuilder, useBuilderStore } from "../store";

export function RenameDialog({ node, onClose }: { node: string; onClose: () => void }) {
  const t = useTranslations("canvas.rename");
  const actions = useTranslations("common.actions");
  const builder = useBuilderStore();
  const flow = useBuilder(flowNow);
  const [name, setName] = useState(node);
  const isTaken = name !== node && takenNames(flow).has(name);
  const error = !isName(name) ? t("not_a_name") : isTaken ? t("taken") : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (error !== undefined) return;
    onClose();
    builder.getState().edit((now) => renameNode(now, node, name));
    builder.getState().show(name);
  };
  return (
    <Dialog open title={t("title", { name: node })} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <TextField
          data-autofocus
          label={t("field")}
          hint={t("hint")}
          value={name}
          error={error}
          maxLength={64}
          spellCheck={false}
          autoComplete="off"
          className="[&_input]:font-mono"
          onFocus={(event) => event.currentTarget.select()}
          onChange={(event) => setName(event.target.value)}
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{actions("cancel")}</Button>
          <Button type="submit" look="primary" disabled={error !== undefined}>
            {t("button")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
