"use client";

// Takes a flow elsewhere and brings one in: as a file, as a copy; and takes it away.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CodeXml, Copy, Download, Trash2 } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { api, API_URL, told } from "@/shared/api/client";
import { Button, buttonClass } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { TextField } from "@/shared/ui/field";
import { Problem } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { CodeDialog } from "../code/late";
import { isName } from "../document";
import { useBuilder, useBuilderStore } from "../store";

export function Transfer({ isStored, isDraft }: { isStored: boolean; isDraft: boolean }) {
  const t = useTranslations("inspector.transfer");
  const tc = useTranslations("inspector.code");
  const flowId = useBuilder((state) => state.flowId);
  const inputs = useBuilder((state) => state.history.now.inputs);
  const [open, setOpen] = useState<"code" | "duplicate" | "delete" | null>(null);
  const file = (query: string) => `${API_URL}/api/flows/${flowId}/export${query}`;
  return (
    <div className="flex flex-wrap gap-2 border-t border-line pt-4">
      <a href={file(isStored ? "?version=draft" : "")} download={`${flowId}.json`} className={buttonClass({ size: "sm" })}>
        <Download aria-hidden className="size-4" />
        {t("export")}
      </a>
      {isStored && (
        <a href={file("?versions=true")} download={`${flowId}-versions.json`} className={buttonClass({ size: "sm" })}>
          <Download aria-hidden className="size-4" />
          {t("export_all")}
        </a>
      )}
      <Button size="sm" onClick={() => setOpen("code")}>
        <CodeXml aria-hidden className="size-4" />
        {tc("button")}
      </Button>
      <Button size="sm" onClick={() => setOpen("duplicate")}>
        <Copy aria-hidden className="size-4" />
        {t("duplicate")}
      </Button>
      {isStored && (
        <Button size="sm" look="danger" onClick={() => setOpen("delete")}>
          <Trash2 aria-hidden className="size-4" />
          {t("delete")}
        </Button>
      )}
      {open === "code" && <CodeDialog flowId={flowId} inputs={inputs ?? {}} isDraft={isDraft} onClose={() => setOpen(null)} />}
      {open === "duplicate" && <DuplicateDialog flowId={flowId} version={isStored ? "draft" : null} onClose={() => setOpen(null)} />}
      {open === "delete" && <DeleteDialog flowId={flowId} onClose={() => setOpen(null)} />}
    </div>
  );
}

interface DuplicateProps {
  flowId: string;
  /** Null: the one that its plain name stands for. */
  version: string | null;
  onClose: () => void;
}

/** Stores a copy under another id, and opens it. */
export function DuplicateDialog({ flowId, version, onClose }: DuplicateProps) {
  const t = useTranslations("inspector.transfer");
  const tn = useTranslations("inspector.node");
  const tc = useTranslations("common.actions");
  const router = useRouter();
  const client = useQueryClient();
  const [id, setId] = useState(`${flowId}_copy`.slice(0, 64));
  const copy = useMutation({
    mutationFn: () => told(api.POST("/api/flows/{flow_id}/duplicate", { params: { path: { flow_id: flowId } }, body: { id, version } })),
    onSuccess: (flow) => {
      void client.invalidateQueries({ queryKey: ["flows"] });
      toast(t("duplicated", { id: flow.id }));
      onClose();
      router.push(`/flows/${flow.id}`);
    },
  });
  const send = () => isName(id) && !copy.isPending && copy.mutate();
  return (
    <Dialog
      open
      title={t("duplicate")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{tc("cancel")}</Button>
          <Button look="primary" busy={copy.isPending} disabled={!isName(id)} onClick={send}>
            {t("duplicate")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <TextField
          label={t("duplicate_id")}
          className="[&_input]:font-mono"
          value={id}
          error={id !== "" && !isName(id) ? tn("id_wrong") : undefined}
          onChange={({ target }) => setId(target.value)}
          onKeyDown={(event) => event.key === "Enter" && send()}
        />
        {copy.error !== null && <Problem error={copy.error} />}
      </div>
    </Dialog>
  );
}

function DeleteDialog({ flowId, onClose }: { flowId: string; onClose: () => void }) {
  const t = useTranslations("inspector.transfer");
  const tc = useTranslations("common.actions");
  const router = useRouter();
  const client = useQueryClient();
  const store = useBuilderStore();
  const remove = useMutation({
    mutationFn: async () => {
      await store.getState().flush();
      const header = { "if-match": store.getState().saving.kept.etag };
      await told(api.DELETE("/api/flows/{flow_id}", { params: { path: { flow_id: flowId }, header } }));
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["flows"] });
      toast(t("deleted", { id: flowId }));
      router.push("/flows");
    },
  });
  return (
    <Dialog
      open
      title={t("delete_title", { id: flowId })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{tc("cancel")}</Button>
          <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
            {t("delete")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p>{t("delete_body")}</p>
        {remove.error !== null && <Problem error={remove.error} />}
      </div>
    </Dialog>
  );
}
