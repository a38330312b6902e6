"use client";

// How an evaluation was made: all that its figures depend on, as it was asked.
import { useTranslations } from "use-intl";
import { Fold } from "@/shared/ui/fold";
import { Panel } from "@/shared/ui/panel";
import type { Evaluation } from "../api";

export function Setup({ evaluation: { spec, dataset, evaluation_id } }: { evaluation: Evaluation }) {
  const t = useTranslations("evaluations.run");
  return (
    <Panel>
      <Fold mustShow={false}>
        <summary className="w-fit text-soft hover:text-ink">{t("setup")}</summary>
        <p className="mt-3 text-sm text-soft">
          <span className="font-mono">{evaluation_id}</span> · <span className="font-mono break-all">{dataset.content_hash}</span>
        </p>
        <pre tabIndex={0} className="mt-2 max-h-96 overflow-auto rounded-md bg-sunken p-3 font-mono text-xs">
          {JSON.stringify(spec, null, 2)}
        </pre>
      </Fold>
    </Panel>
  );
}
