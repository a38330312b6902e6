"use client";

// Starts a run of the flow that is open, once its newest edit is saved; stops one.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { api, told } from "@/shared/api/client";
import { once } from "@/shared/api/once";
import { isCheckOf } from "../problems/checks";
import { useBuilderStore } from "../store";
import type { RunRequest } from "./asked";

/** The draft on the server is not what is edited here: running it would run something else. */
export class NotSaved extends Error {
  override readonly name = "NotSaved";
}

/** The checks found what keeps the flow from being run. */
export class HasProblems extends Error {
  override readonly name = "HasProblems";
}

/** What goes wrong is told by `error`, in a sentence of the server's or of our own. */
export function useStartRun(onStarted: (runId: string) => void) {
  const store = useBuilderStore();
  const client = useQueryClient();
  const t = useTranslations("inspector.watch");
  return useMutation({
    mutationFn: async (request: RunRequest) => {
      await store.getState().flush();
      const { isReadOnly, saving, checked, history } = store.getState();
      if (!isReadOnly && saving.phase !== "saved") throw new NotSaved(t("not_saved"));
      // What the problems are stands below already, each a way to its node.
      if (request.only == null && checked !== null && isCheckOf(checked, history.now) && !checked.verdict.valid) throw new HasProblems(t("has_problems"));
      // Of the flow as it is now: a run of an earlier draft is another one.
      return once("canvas", [request, history.now], (key) => told(api.POST("/api/runs", { body: request, headers: { "Idempotency-Key": key } })));
    },
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: ["runs"] });
      onStarted(run.run_id);
    },
  });
}
