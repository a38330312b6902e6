"use client";

// What stands in the builder's place while it, or the flow, is on its way.
import { useTranslations } from "use-intl";
import { Skeleton } from "@/shared/ui/bits";

/** All of the screen but what stands around it, an alert among that. */
export const ROOM = "fills-page -mx-4 -my-5 flex min-h-96 flex-1 flex-col md:-mx-6";

export function Opening() {
  const t = useTranslations("common");
  return (
    <div className="flex h-full flex-col gap-3 p-4">
      <Skeleton className="h-8 w-64" />
      <p role="status" className="text-soft">
        {t("opening_flow")}
      </p>
      <Skeleton className="min-h-0 flex-1" />
    </div>
  );
}
