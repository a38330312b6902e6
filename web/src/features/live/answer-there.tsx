"use client";

// Tells whoever reads further down that the run has ended, and leads to what it came to.
import { ArrowUp } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { CLOCK_MS } from "@/run/follower";
import { useRunView } from "@/shared/run/run";
import { Button } from "@/shared/ui/button";
import { useRunHere } from "./here";

/** The id of the place where the answer comes to stand. */
export const OUTCOME = "outcome";

export function AnswerThere() {
  const t = useTranslations("live.outcome");
  const run = useRunHere();
  const view = useRunView(run);
  // Of a run that was over before the page came nobody waits to hear, though its end may be told long after its beginning.
  const [wasGoing] = useState(view?.finished_at === null);
  const [cameMs] = useState(() => run.store.getState().openedMs - CLOCK_MS);
  const isUnseen = useUnseen(wasGoing && Date.parse(view?.finished_at ?? "") > cameMs);
  const show = () => {
    const place = document.getElementById(OUTCOME);
    place?.scrollIntoView({ block: "start" });
    place?.focus({ preventScroll: true });
  };
  return (
    <div role="status" className="pointer-events-none fixed inset-x-0 top-14 z-30 flex justify-center md:top-3">
      {isUnseen && (
        <Button look="primary" size="sm" className="pointer-events-auto shadow-lift" onClick={show}>
          <ArrowUp aria-hidden className="size-4" />
          {view?.answer === null ? t("over") : t("there")}
        </Button>
      )}
    </div>
  );
}

/** Whether the place of the answer has been out of sight ever since `from` holds. */
function useUnseen(from: boolean): boolean {
  const [isUnseen, setUnseen] = useState(false);
  useEffect(() => {
    const place = document.getElementById(OUTCOME);
    if (!from || place === null) return;
    const watching = new IntersectionObserver((entries) => {
      const isSeen = entries.some((entry) => entry.isIntersecting);
      setUnseen(!isSeen);
      if (isSeen) watching.disconnect();
    });
    watching.observe(place);
    return () => watching.disconnect();
  }, [from]);
  return isUnseen;
}
