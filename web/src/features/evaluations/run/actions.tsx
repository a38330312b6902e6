"use client";

// What can be done with an evaluation: stop it, take it up, keep its report as a file, delete it.
import { Ban, Download, Play, Trash2 } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { API_URL } from "@/shared/api/client";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { TextField } from "@/shared/ui/field";
import { Menu, MenuItem } from "@/shared/ui/menu";
import { Problem } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { hasEnded, statusOf, useCancel, useDelete, useResume, type Evaluation } from "../api";
import { BOUNDS, numberIn } from "../form/draft";

const FORMATS = ["markdown", "html", "json"] as const;

export function Actions({ evaluation }: { evaluation: Evaluation }) {
  const t = useTranslations("evaluations.run");
  const [open, setOpen] = useState<"resume" | "delete" | null>(null);
  const close = () => setOpen(null);
  const isOver = hasEnded(evaluation);
  return (
    <div role="group" aria-label={t("actions")} className="flex flex-wrap items-center gap-2">
      {!isOver && <Cancel id={evaluation.evaluation_id} />}
      {isOver && statusOf(evaluation) !== "completed" && (
        <Button look="primary" onClick={() => setOpen("resume")}>
          <Play aria-hidden className="size-4" />
          {t("resume")}
        </Button>
      )}
      {isOver && (evaluation.progress?.cells ?? 0) > 0 && <Downloads id={evaluation.evaluation_id} />}
      {isOver && (
        <Button look="danger" onClick={() => setOpen("delete")}>
          <Trash2 aria-hidden className="size-4" />
          {t("delete")}
        </Button>
      )}
      {open === "resume" && <Resume evaluation={evaluation} onClose={close} />}
      {open === "delete" && <Delete id={evaluation.evaluation_id} onClose={close} />}
    </div>
  );
}

function Cancel({ id }: { id: string }) {
  const t = useTranslations("evaluations.run");
  const cancel = useCancel(id);
  return (
    <>
      <Button busy={cancel.isPending} onClick={() => cancel.mutate()}>
        <Ban aria-hidden className="size-4" />
        {t("cancel")}
      </Button>
      {cancel.error !== null && <Problem error={cancel.error} />}
    </>
  );
}

function Downloads({ id }: { id: string }) {
  const t = useTranslations("evaluations.run");
  return (
    <Menu
      trigger={
        <Button>
          <Download aria-hidden className="size-4" />
          {t("download")}
        </Button>
      }
    >
      {FORMATS.map((format) => (
        <MenuItem key={format} onSelect={() => save(id, format)}>
          {t(`download_as.${format}`)}
        </MenuItem>
      ))}
    </Menu>
  );
}

/** By a link of its own: the browser stays where it is, and the file keeps the name that the server gives it. */
function save(id: string, format: (typeof FORMATS)[number]): void {
  const link = document.createElement("a");
  link.href = `${API_URL}/api/evaluations/${encodeURIComponent(id)}/report?format=${format}`;
  link.download = `evaluation-${id}.${format === "markdown" ? "md" : format}`;
  link.click();
}

function Resume({ evaluation, onClose }: { evaluation: Evaluation; onClose: () => void }) {
  const t = useTranslations("evaluations.run");
  const w = useTranslations("evaluations.form.wrong");
  const actions = useTranslations("common.actions");
  const resume = useResume(evaluation.evaluation_id);
  const before = evaluation.spec.budget_usd;
  const [budget, setBudget] = useState(before === null || before === undefined ? "" : String(before));
  const value = numberIn(budget, BOUNDS.budgetUsd);
  const go = () => value !== undefined && resume.mutate(value, { onSuccess: onClose });
  return (
    <Dialog
      open
      title={t("resume_title")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{actions("close")}</Button>
          <Button look="primary" busy={resume.isPending} disabled={value === undefined} onClick={go}>
            {t("resume")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p>{t("resume_about")}</p>
        <TextField
          data-autofocus
          label={t("resume_budget")}
          inputMode="decimal"
          value={budget}
          {...(value === undefined && { error: w("from_zero") })}
          onChange={(event) => setBudget(event.target.value)}
        />
        {resume.error !== null && <Problem error={resume.error} />}
      </div>
    </Dialog>
  );
}

function Delete({ id, onClose }: { id: string; onClose: () => void }) {
  const t = useTranslations("evaluations.run");
  const actions = useTranslations("common.actions");
  const router = useRouter();
  const remove = useDelete(id, () => {
    onClose();
    toast(t("deleted"));
    router.push("/evaluations");
  });
  return (
    <Dialog
      open
      title={t("delete_title")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{actions("cancel")}</Button>
          <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
            {t("delete")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p>{t("delete_about")}</p>
        {remove.error !== null && <Problem error={remove.error} />}
      </div>
    </Dialog>
  );
}
