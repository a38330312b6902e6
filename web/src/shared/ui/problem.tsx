"use client";

// Says what went wrong, in the server's own sentence, and what to do.
import { TriangleAlert } from "lucide-react";
import { useTranslations } from "use-intl";
import { ApiProblem, Unreachable } from "@/shared/api/problem";
import { Button } from "./button";

/** The sentence for people about an error of a request. */
export function useSentence(): (error: unknown) => string {
  const t = useTranslations("common.problem");
  return (error) => {
    if (error instanceof ApiProblem) return error.message;
    if (error instanceof Unreachable) return t("offline");
    return t("unreadable");
  };
}

/** `again`: what the button does; without it there is none. */
export function Problem({ error, again }: { error: unknown; again?: (() => void) | undefined }) {
  const t = useTranslations("common");
  const sentence = useSentence();
  const requestId = error instanceof ApiProblem ? error.document.request_id : "";
  return (
    <div role="alert" className="flex flex-wrap items-start gap-x-3 gap-y-2 rounded-md bg-bad-soft px-3 py-2 text-base">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0 flex-1 basis-48">
        <p className="break-words">{sentence(error)}</p>
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
