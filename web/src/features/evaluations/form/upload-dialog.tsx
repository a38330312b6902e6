"use client";

// Brings a dataset in from a file, shown before it is kept.
import { useState } from "react";
import { useTranslations } from "use-intl";
import { ApiProblem } from "@/shared/api/problem";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { TextField } from "@/shared/ui/field";
import { Fold } from "@/shared/ui/fold";
import { Problem } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { usePreview, useUpload, type Dataset, type DatasetUpload } from "../api";
import { ItemsPreview } from "./items-preview";
import { isDatasetName, kindOf, nameFrom, readText } from "./upload";

const MOST_MB = 50;
const COLUMNS = ["input_column", "target_column", "id_column"] as const;

interface UploadProps {
  onClose: () => void;
  onKept: (dataset: Dataset) => void;
}

export function UploadDialog({ onClose, onKept }: UploadProps) {
  const t = useTranslations("evaluations.upload");
  const actions = useTranslations("common.actions");
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState<string | undefined>();
  const [columns, setColumns] = useState({ input_column: "", target_column: "", id_column: "" });
  const preview = usePreview();
  const upload = useUpload((dataset) => {
    toast(t("kept", { name: dataset.name }));
    onKept(dataset);
    onClose();
  });
  const act = async (send: (asked: DatasetUpload) => void) => {
    if (file === null) return;
    const text = file.size > MOST_MB * 1_000_000 ? undefined : await readText(file);
    setWrong(text === undefined ? t("too_large", { mb: MOST_MB }) : text === null ? t("unreadable") : text.trim() === "" ? t("empty") : undefined);
    if (!text?.trim()) return;
    const named = Object.fromEntries(COLUMNS.map((column) => [column, columns[column].trim() || null]));
    send({ name, text, kind: kindOf(file.name), ...named });
  };
  const forget = () => preview.reset();
  const isReady = file !== null && isDatasetName(name);
  const error = upload.error ?? preview.error;
  return (
    <Dialog
      open
      title={t("title")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{actions("cancel")}</Button>
          <Button busy={preview.isPending} disabled={!isReady} onClick={() => void act((asked) => preview.mutate(asked))}>
            {t("look")}
          </Button>
          <Button look="primary" busy={upload.isPending} disabled={!isReady} onClick={() => void act((asked) => upload.mutate(asked))}>
            {t("keep")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-soft">{t("about")}</p>
        <TextField
          data-autofocus
          type="file"
          label={t("file")}
          accept=".jsonl,.json,.csv,.txt,application/json,text/csv"
          {...(wrong !== undefined && { error: wrong })}
          className="[&_input]:py-1.5"
          onChange={({ target }) => {
            const chosen = target.files?.[0] ?? null;
            setFile(chosen);
            setWrong(undefined);
            // A name that nobody wrote is that of the file, whichever is chosen.
            if (chosen !== null && (name === "" || name === nameFrom(file?.name ?? ""))) setName(nameFrom(chosen.name));
            forget();
          }}
        />
        <TextField
          label={t("name")}
          value={name}
          maxLength={100}
          {...(name !== "" && !isDatasetName(name) && { error: t("name_wrong") })}
          onChange={({ target }) => setName(target.value)}
        />
        <Fold mustShow={error instanceof ApiProblem}>
          <summary className="w-fit text-sm text-soft hover:text-ink">{t("columns")}</summary>
          <div className="mt-2 grid gap-3 sm:grid-cols-3">
            {COLUMNS.map((column) => (
              <TextField
                key={column}
                label={t(column)}
                value={columns[column]}
                onChange={({ target }) => {
                  setColumns({ ...columns, [column]: target.value });
                  forget();
                }}
              />
            ))}
          </div>
        </Fold>
        {error !== null && <Problem error={error} />}
        {preview.data !== undefined && (
          <div role="status" className="flex flex-col gap-2">
            <p className="font-medium">
              {t("found", { items: preview.data.dataset.items, columns: preview.data.dataset.columns?.join(", ") || t("no_columns") })}
            </p>
            <ItemsPreview items={preview.data.items} />
          </div>
        )}
      </div>
    </Dialog>
  );
}
