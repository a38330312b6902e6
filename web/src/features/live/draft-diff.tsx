"use client";

// What the deliberation made of the first draft.
import { useState } from "react";
import { useTranslations } from "use-intl";
import { TextDiff } from "@/shared/ui/diff/text-diff";
import { Segmented } from "@/shared/ui/field";

type View = "inline" | "split";

export function DraftDiff({ before, after }: { before: string; after: string }) {
  const t = useTranslations("live.outcome");
  const [view, setView] = useState<View>("inline");
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <div className="max-md:hidden">
        <Segmented<View>
          label={t("diff_view")}
          hideLabel
          value={view}
          onChange={setView}
          options={[
            { value: "inline", label: t("inline") },
            { value: "split", label: t("split") },
          ]}
        />
      </div>
      <TextDiff before={before} after={after} view={view} labels={[t("draft"), t("title")]} />
    </div>
  );
}
