"use client";

// What must be known of an evaluation that ended early: why, and of how much its figures are.
import { useTranslations } from "use-intl";
import { ServerText } from "@/shared/ui/server-text";
import type { Evaluation } from "../api";

export function Ended({ evaluation: { fault, progress, status } }: { evaluation: Evaluation }) {
  const t = useTranslations("evaluations.run");
  const { cells = 0, of = 0 } = progress ?? {};
  const isWhole = cells >= of;
  if (status === "completed" && isWhole) return null;
  return (
    <div role="status" className="flex flex-col gap-1 rounded-md bg-warn-soft px-3 py-2">
      {fault && (
        <p>
          <ServerText text={fault.message} said={fault.said} />
        </p>
      )}
      {!isWhole && <p>{cells === 0 ? t("nothing") : t("partial", { cells, of })}</p>}
    </div>
  );
}
