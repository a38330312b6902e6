"use client";

// Says how the edits stand: saved, on their way, kept here; and what to do where somebody else was first.
import { useQueryClient } from "@tanstack/react-query";
import { Check, CloudOff, LoaderCircle, TriangleAlert } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { ApiProblem } from "@/shared/api/problem";
import { Badge, type Tone } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { Problem, useSentence } from "@/shared/ui/problem";
import { createFlow, readFlow } from "../store-api";
import { inBrowser, leftId } from "../store-local";
import type { Phase } from "../store-saving";
import { flowNow, useBuilder, useBuilderStore } from "../store";
import { copyOf } from "./copy";

const TONES: Record<Phase, Tone> = {
  saved: "plain",
  waiting: "plain",
  saving: "plain",
  offline: "warn",
  refused: "bad",
  conflict: "bad",
  emptied: "warn",
};

/** One word in the head of the screen; the sentence is its title, and is heard when it changes to something bad. */
export function SaveState() {
  const t = useTranslations("canvas.save");
  const phase = useBuilder((state) => state.saving.phase);
  const words = useSaveWords();
  const shown = phase === "offline" || phase === "refused" || phase === "emptied" ? t(`${phase}_short`) : t(phase);
  return (
    <span role="status" title={words ?? shown} data-phase={phase} className="inline-flex min-w-20">
      <Badge tone={TONES[phase]}>
        <SaveIcon phase={phase} />
        {shown}
      </Badge>
      {words !== null && <span className="sr-only">{words}</span>}
    </span>
  );
}

function SaveIcon({ phase }: { phase: Phase }) {
  if (phase === "saved") return <Check aria-hidden className="size-3" />;
  if (phase === "offline") return <CloudOff aria-hidden className="size-3" />;
  if (phase === "waiting" || phase === "saving") return <LoaderCircle aria-hidden className={phase === "saving" ? "size-3 animate-spin" : "size-3"} />;
  return <TriangleAlert aria-hidden className="size-3" />;
}

/** What stands in the way of saving, and what to do; null where nothing does. */
function useSaveWords(): string | null {
  const t = useTranslations("canvas.save");
  const sentence = useSentence();
  const phase = useBuilder((state) => state.saving.phase);
  const error = useBuilder((state) => state.saving.error);
  if (phase === "refused") return t("refused", { reason: sentence(error) });
  return phase === "offline" || phase === "emptied" ? t(phase) : null;
}

/** Below the head: what keeps the flow from being saved, as a sentence, and the choice where somebody else was first. */
export function SaveTrouble() {
  const phase = useBuilder((state) => state.saving.phase);
  const words = useSaveWords();
  if (phase === "conflict") return <Conflict />;
  return words === null ? null : <p className="border-b border-line bg-warn-soft px-4 py-2 text-sm text-warn">{words}</p>;
}

function Conflict() {
  const t = useTranslations("canvas.conflict");
  const [busy, setBusy] = useState<"theirs" | "copy" | null>(null);
  const [error, setError] = useState<unknown>(null);
  const { takeTheirs, keepCopy } = useSettling();
  const act = (what: "theirs" | "copy", doing: () => Promise<void>) => async () => {
    setBusy(what);
    setError(null);
    try {
      await doing();
    } catch (failure) {
      setError(failure);
    }
    setBusy(null);
  };
  const isGone = error instanceof ApiProblem && error.status === 404;
  return (
    <section role="alert" aria-label={t("title")} className="flex flex-col gap-2 border-b border-line bg-bad-soft px-4 py-3">
      <p className="font-semibold">{t("title")}</p>
      <p className="max-w-prose text-sm">{isGone ? t("gone") : t("body")}</p>
      {error !== null && !isGone && <Problem error={error} />}
      <div className="flex flex-wrap items-center gap-2">
        <Button size="sm" look="primary" busy={busy === "theirs"} disabled={isGone} title={t("theirs_hint")} onClick={() => void act("theirs", takeTheirs)()}>
          {t("theirs")}
        </Button>
        <Button size="sm" busy={busy === "copy"} onClick={() => void act("copy", keepCopy)()}>
          {t("copy")}
        </Button>
        <span className="text-xs text-soft">{t("theirs_hint")}</span>
      </div>
    </section>
  );
}

function useSettling() {
  const t = useTranslations("canvas.open");
  const builder = useBuilderStore();
  const router = useRouter();
  const client = useQueryClient();
  const takeTheirs = async () => {
    const theirs = await readFlow(builder.getState().flowId);
    const { flow, etag } = theirs;
    if (flow === null || etag === null) return router.refresh();
    builder.getState().edit(() => flow);
    builder.getState().saves({ is: "adopted", kept: { document: flow, etag } });
  };
  const keepCopy = async () => {
    const { flowId } = builder.getState();
    const made = await createFlow(await copyOf(client, flowNow(builder.getState()), (name) => t("copy_of", { name })));
    // What is kept here is stored there now.
    builder.getState().saves({ is: "left" });
    inBrowser.drop(leftId(flowId));
    void client.invalidateQueries({ queryKey: ["flows"] });
    router.push(`/flows/${made.id}`);
  };
  return { takeTheirs, keepCopy };
}
