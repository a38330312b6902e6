"use client";

// Says why a flow cannot be changed here, and offers a copy that can.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useTranslations } from "use-intl";
import { flowsQuery } from "@/shared/api/endpoints";
import { Button } from "@/shared/ui/button";
import { Problem } from "@/shared/ui/problem";
import { copyOf } from "./canvas/copy";
import { flowNow, useBuilder, useBuilderStore } from "./store";
import { createFlow } from "./store-api";

export function ReadOnly() {
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  return isReadOnly ? <Bar /> : null;
}

function Bar() {
  const t = useTranslations("canvas.open");
  const builder = useBuilderStore();
  const client = useQueryClient();
  const router = useRouter();
  const flows = useQuery(flowsQuery);
  const id = useBuilder((state) => state.flowId);
  const origin = flows.data?.flows.find((flow) => flow.id === id)?.origin ?? "library";
  const duplicate = useMutation({
    mutationFn: async () => createFlow(await copyOf(client, flowNow(builder.getState()), (name) => t("copy_of", { name }))),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ["flows"] });
      router.push(`/flows/${made.id}`);
    },
  });
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-2 border-b border-line bg-accent-soft px-4 py-2 text-sm">
      <p className="min-w-0 flex-1 basis-60">{t("read_only", { origin })}</p>
      {duplicate.error !== null && <Problem error={duplicate.error} />}
      <Button size="sm" look="primary" busy={duplicate.isPending} onClick={() => duplicate.mutate()}>
        {t("duplicate")}
      </Button>
    </div>
  );
}
