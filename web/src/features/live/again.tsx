"use client";

// What to do after a run: ask on from its answer, or ask it again with a change.
import { MessageSquarePlus, PencilLine } from "lucide-react";
import { useRouter } from "next/navigation";
import { useTranslations } from "use-intl";
import type { RunStarted, RunView } from "@/run/events";
import { followedUp, handOver, type Asked } from "@/shared/asked-again";
import { useTranscript } from "@/shared/run/run";
import { Button } from "@/shared/ui/button";
import { toast } from "@/shared/ui/toast";
import { useRunHere } from "./here";

export function Again({ view }: { view: RunView }) {
  const started = useTranscript(useRunHere(), "started");
  // A node that ran alone was asked in the builder, of a flow that the console may not know.
  return started === null || started.request.only !== null ? null : <Ways view={view} started={started} />;
}

function Ways({ view, started: { request } }: { view: RunView; started: RunStarted }) {
  const t = useTranslations("live.again");
  const router = useRouter();
  const ask = (asked: Asked) => {
    if (handOver(asked)) router.push("/");
    else toast(t("not_kept"), "bad");
  };
  const { status, answer } = view;
  return (
    <div role="group" aria-label={t("label")} className="flex flex-wrap items-center gap-2 border-t border-line px-4 py-2.5">
      {status === "declined" && <p className="w-full max-w-prose text-sm text-soft">{t("declined")}</p>}
      {status === "completed" && answer !== null && (
        <Button size="sm" onClick={() => ask(followedUp(request, answer))}>
          <MessageSquarePlus aria-hidden className="size-4" />
          {t("follow")}
        </Button>
      )}
      <Button size="sm" look={status === "declined" ? "primary" : "quiet"} onClick={() => ask(request)}>
        <PencilLine aria-hidden className="size-4" />
        {t("edit")}
      </Button>
    </div>
  );
}
