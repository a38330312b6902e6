"use client";

// The buttons of a run: those that mean something in its state.
import { CirclePause, CirclePlay, GitFork, RotateCcw, Square } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button } from "@/shared/ui/button";
import { late, MissingDialog } from "@/shared/ui/late";
import { useSentence } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { canPause, canResume, canRetry, hasEnded, useRetry, useSteer, type Status, type Steering } from "./api";

/** Loaded when it is wanted first: the screens that have its button are smaller without it. */
export const ForkDialog = late(() => import("./fork-dialog").then((module) => module.ForkDialog), { missing: MissingDialog });

interface RunButtonsProps {
  run: { run_id: string; status: Status };
  size?: "sm" | "md";
  /** Where a new run is gone to; the page of that run where it is not given. */
  onBegun?: (runId: string) => void;
}

/** What was refused is said at the edge of the page, in the server's words. */
export function RunButtons({ run, size = "sm", onBegun }: RunButtonsProps) {
  const t = useTranslations("run_actions");
  const router = useRouter();
  const sentence = useSentence();
  const [isForking, setForking] = useState(false);
  const refused = (error: unknown) => toast(sentence(error), "bad");
  const go = onBegun ?? ((id: string) => router.push(`/runs/${id}`));
  const steer = useSteer(refused);
  const retry = useRetry((begun) => go(begun.run_id), refused);
  const act = (verb: Steering) => steer.mutate({ ...run, verb });
  const isActing = (verb: Steering) => steer.isPending && steer.variables.verb === verb;
  const common = { size, look: "plain" as const };
  return (
    <>
      {canPause(run.status) && (
        <Button {...common} busy={isActing("pause")} onClick={() => act("pause")}>
          <CirclePause aria-hidden className="size-4" />
          {t("pause")}
        </Button>
      )}
      {canResume(run.status) && (
        <Button {...common} look="primary" busy={isActing("resume")} onClick={() => act("resume")}>
          <CirclePlay aria-hidden className="size-4" />
          {t("resume")}
        </Button>
      )}
      {!hasEnded(run.status) && (
        <Button {...common} look="danger" busy={isActing("cancel")} onClick={() => act("cancel")}>
          <Square aria-hidden className="size-3.5 fill-current" />
          {t("stop")}
        </Button>
      )}
      {canRetry(run.status) && (
        <Button
          {...common}
          title={t("retry")}
          busy={retry.isPending}
          onClick={() => retry.mutate(run.run_id)}
        >
          <RotateCcw aria-hidden className="size-4" />
          {t("retry_short")}
        </Button>
      )}
      {hasEnded(run.status) && (
        <Button {...common} onClick={() => setForking(true)}>
          <GitFork aria-hidden className="size-4" />
          {t("fork")}
        </Button>
      )}
      {isForking && <ForkDialog runId={run.run_id} onClose={() => setForking(false)} onBegun={go} />}
    </>
  );
}
