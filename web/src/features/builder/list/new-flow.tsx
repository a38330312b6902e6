"use client";

// Asks what a new flow is called, and opens it.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState, type FormEvent } from "react";
import { useTranslations } from "use-intl";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { TextField } from "@/shared/ui/field";
import { Problem } from "@/shared/ui/problem";
import { freeId } from "../document";
import { createFlow } from "../store-api";
import { allFlowsQuery } from "./all-flows";

export function NewFlow({ onClose }: { onClose: () => void }) {
  const t = useTranslations("flows.new");
  const actions = useTranslations("common.actions");
  const router = useRouter();
  const client = useQueryClient();
  const flows = useQuery(allFlowsQuery);
  const [name, setName] = useState("");
  const taken = new Set(flows.data?.flows.map((flow) => flow.id));
  const id = freeId(taken, name.trim() || "flow");
  const make = useMutation({
    mutationFn: () => createFlow({ id, name: name.trim(), nodes: [], edges: [] }),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ["flows"] });
      onClose();
      router.push(`/flows/${made.id}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "" && !make.isPending) make.mutate();
  };
  return (
    <Dialog open title={t("title")} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <TextField
          data-autofocus
          label={t("name")}
          hint={name.trim() === "" ? t("hint") : t("id", { id })}
          value={name}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
        {make.error !== null && <Problem error={make.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{actions("cancel")}</Button>
          <Button type="submit" look="primary" busy={make.isPending} disabled={name.trim() === ""}>
            {t("create")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
