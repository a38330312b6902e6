"use client";

// What the question was taken from: the question that it follows on from, and what stood here before.
import { CornerDownRight } from "lucide-react";
import { useTranslations } from "use-intl";
import { MOST_MESSAGES } from "@/shared/asked-again";
import { Button } from "@/shared/ui/button";
import { useDraft } from "./draft";

const SHOWN_CHARS = 120;

export function FollowsOn() {
  const t = useTranslations("console");
  const { history, replaced, change, bringBack } = useDraft();
  const before = history.findLast(({ role }) => role === "user")?.content;
  return (
    <div role="status" className="flex flex-col gap-2 text-sm empty:hidden">
      {before !== undefined && (
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-md bg-sunken px-3 py-2">
          <CornerDownRight aria-hidden className="size-4 shrink-0 text-accent" />
          <span className="min-w-0 flex-1 basis-48 [overflow-wrap:anywhere]">
            {t("follows", { question: cut(before) })}
            {history.length >= MOST_MESSAGES && ` ${t("follows_most", { most: MOST_MESSAGES })}`}
          </span>
          <Button size="sm" onClick={() => change({ history: [] })}>
            {t("apart")}
          </Button>
        </p>
      )}
      {replaced !== null && (
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-md bg-sunken px-3 py-2">
          <span className="min-w-0 flex-1 basis-48">{t("replaced")}</span>
          <Button size="sm" onClick={bringBack}>
            {t("bring_back")}
          </Button>
        </p>
      )}
    </div>
  );
}

function cut(question: string): string {
  return question.length > SHOWN_CHARS ? `${question.slice(0, SHOWN_CHARS - 1)}…` : question;
}
