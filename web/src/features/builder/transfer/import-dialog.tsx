"use client";

// Brings a flow in from a file: one document, or all versions of one as an export gives them.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { api, told } from "@/shared/api/client";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { TextField } from "@/shared/ui/field";
import { Problem } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { isName } from "../document";

const MOST_MB = 50;

/** For the list of flows and for whoever edits one. Opens what was brought in. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations("inspector.transfer");
  const tn = useTranslations("inspector.node");
  const tc = useTranslations("common.actions");
  const router = useRouter();
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [wrong, setWrong] = useState<string | undefined>();
  const [id, setId] = useState("");
  const bring = useMutation({
    mutationFn: (document: object) =>
      told(api.POST("/api/flows/import", { params: { query: id === "" ? {} : { id } }, body: document as Record<string, never> })),
    onSuccess: (flow) => {
      void client.invalidateQueries({ queryKey: ["flows"] });
      toast(t("imported", { id: flow.id }));
      onClose();
      router.push(`/flows/${flow.id}`);
    },
  });
  const send = async () => {
    if (file === null || bring.isPending) return;
    const document = file.size > MOST_MB * 1_000_000 ? undefined : await readJson(file);
    setWrong(document === undefined ? t("too_large", { mb: String(MOST_MB) }) : document === null ? t("not_json") : undefined);
    if (document) bring.mutate(document);
  };
  const idError = id !== "" && !isName(id) ? tn("id_wrong") : undefined;
  return (
    <Dialog
      open
      title={t("import")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{tc("cancel")}</Button>
          <Button look="primary" busy={bring.isPending} disabled={file === null || idError !== undefined} onClick={() => void send()}>
            {t("import_button")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <TextField
          type="file"
          label={t("import_file")}
          accept=".json,application/json"
          error={wrong}
          className="[&_input]:py-1.5"
          onChange={({ target }) => {
            setFile(target.files?.[0] ?? null);
            setWrong(undefined);
          }}
        />
        <TextField label={t("import_id")} hint={t("import_id_help")} value={id} error={idError} onChange={({ target }) => setId(target.value)} />
        {bring.error !== null && <Problem error={bring.error} />}
      </div>
    </Dialog>
  );
}

/** Null where it is no JSON object. */
async function readJson(file: File): Promise<object | null> {
  try {
    const value: unknown = JSON.parse(await file.text());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
