"use client";

// Says what went wrong, in the server's own sentence, and what to do.
import { TriangleAlert } from "lucide-react";
import { useTranslations } from "use-intl";
import { ApiProblem, Unreachable } from "@/shared/api/problem";
import { useSession } from "@/shared/api/queries";
import { useSaid, useServerWords } from "@/shared/server-words";
import { Button } from "./button";
import { ServerText } from "./server-text";

/** The sentence for people about an error of a request. */
export function useSentence(): (error: unknown) => string {
  const t = useTranslations("common.problem");
  const lead = useLead();
  const said = useSaid();
  const words = useServerWords();
  const isReachable = useSession((state) => state.reachable);
  return (error) => {
    if (error instanceof ApiProblem) {
      const told = said(error.document.said) ?? words(error.message);
      return told ?? [lead(error), error.message].filter((part) => part !== "").join(" ");
    }
    if (error instanceof Unreachable) return isReachable ? t("was_offline") : t("offline");
    if (error instanceof Error && error.name === "ChunkLoadError") return t("not_loaded");
    return t("unreadable");
  };
}

/** What kind of problem it is, in the language of the page, where the server's sentence is in another one. */
function useLead(): (problem: ApiProblem) => string {
  const t = useTranslations("common.lead");
  return ({ slug }) => {
    const key = slug as Parameters<typeof t>[0];
    return t.has(key) ? t(key) : "";
  };
}

/** `again`: what the button does; without it there is none. */
export function Problem({ error, again }: { error: unknown; again?: (() => void) | undefined }) {
  const t = useTranslations("common");
  const sentence = useSentence();
  const lead = useLead();
  const said = useSaid();
  const requestId = error instanceof ApiProblem ? error.document.request_id : "";
  return (
    <div role="alert" className="flex flex-wrap items-start gap-x-3 gap-y-2 rounded-md bg-bad-soft px-3 py-2 text-base">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0 flex-1 basis-48">
        <p className="break-words">
          {error instanceof ApiProblem ? (
            <>
              {said(error.document.said) ?? (
                <>
                  {lead(error)} <ServerText text={error.message} />
                </>
              )}
            </>
          ) : (
            sentence(error)
          )}
        </p>
        {requestId && <p className="text-xs text-soft">{t("problem.request_id", { id: requestId })}</p>}
      </div>
      {again !== undefined && (
        <Button size="sm" onClick={again}>
          {t("actions.retry")}
        </Button>
      )}
    </div>
  );
}
