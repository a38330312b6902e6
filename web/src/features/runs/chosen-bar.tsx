"use client";

// What is marked, and the way to see it side by side.
import { GitCompareArrows } from "lucide-react";
import { useTranslations } from "use-intl";
import { Button, ButtonLink } from "@/shared/ui/button";
import { useChosen } from "./chosen";
import { comparePath } from "./paths";

export function ChosenBar() {
  const t = useTranslations("runs");
  const { chosen, clear } = useChosen();
  const [one, other] = chosen;
  if (one === undefined) return null;
  return (
    <div
      role="status"
      className="sticky bottom-16 z-20 mt-3 flex flex-wrap items-center justify-between gap-3 rounded-lg border border-line bg-surface px-4 py-2.5 shadow-lift md:bottom-3"
    >
      <p className="min-w-0 flex-1 basis-48">{other === undefined ? t("chosen_one") : t("chosen_two")}</p>
      <div className="flex gap-2">
        <Button onClick={clear}>{t("unchoose")}</Button>
        {other !== undefined && (
          // The older one stands left: that is where a change led away from.
          <ButtonLink look="primary" href={comparePath(...inOrder(one, other))}>
            <GitCompareArrows aria-hidden className="size-4" />
            {t("compare")}
          </ButtonLink>
        )}
      </div>
    </div>
  );
}

/** Ids begin with the time at which their runs began. */
function inOrder(one: string, other: string): [string, string] {
  return one < other ? [one, other] : [other, one];
}
