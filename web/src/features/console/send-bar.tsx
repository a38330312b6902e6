"use client";

// The button that sends, and what stands beside it.
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Button } from "@/shared/ui/button";
import { Kbd } from "@/shared/ui/bits";
import type { Sending } from "./console";
import { useDraft, wrongFields } from "./draft";

export function SendBar({ sending, children }: { sending: Sending; children: ReactNode }) {
  const t = useTranslations("console");
  const draft = useDraft();
  const isWrong = wrongFields(draft).length > 0;
  const isReady = draft.question.trim() !== "" && !isWrong;
  return (
    <div className="sticky bottom-14 z-10 flex flex-wrap items-center justify-between gap-3 rounded-lg border border-line bg-surface px-4 py-3 shadow-lift md:bottom-3">
      <div className="min-w-0 flex-1">{isWrong ? <p className="text-sm text-bad">{t("wrong_options")}</p> : children}</div>
      <span className="hidden text-xs text-soft sm:inline">
        {t.rich("keys", { keys: () => <Kbd>Ctrl Enter</Kbd> })}
      </span>
      {sending.isAsking ? (
        <Button onClick={sending.stop}>{t("stop")}</Button>
      ) : (
        <Button type="submit" look="primary" disabled={!isReady} busy={sending.isSending}>
          {draft.mode === "direct" ? t("send_direct") : t("send")}
        </Button>
      )}
    </div>
  );
}
