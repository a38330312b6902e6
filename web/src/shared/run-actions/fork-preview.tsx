"use client";

// What a fork would take, in a few words.
import { useTranslations } from "use-intl";
import { inLanguage } from "@/shared/flow/text";
import { useFigures } from "@/shared/format/figures";
import { Problem } from "@/shared/ui/problem";
import type { ForkPreview, RunBeginning } from "./api";
import type { ForkState } from "./fork-dialog";

interface PreviewProps {
  state: ForkState;
  preview: ForkPreview | undefined;
  error: Error | null;
  flow: RunBeginning["flow"];
  language: string;
}

export function Preview({ state, preview, error, flow, language }: PreviewProps) {
  const t = useTranslations("run_actions.dialog");
  return (
    // Two lines are kept free: the button stays where it is when the figures come.
    <div aria-live="polite" aria-busy={state === "asking"} className="min-h-10 min-w-0 flex-1 basis-64 self-center text-base">
      {error !== null ? (
        <Problem error={error} />
      ) : state === "none" || state === "wrong" ? (
        <p className="text-soft">{t(state === "none" ? "preview_none" : "preview_wrong")}</p>
      ) : preview === undefined ? (
        <p className="text-soft">…</p>
      ) : (
        <Told preview={preview} flow={flow} language={language} />
      )}
    </div>
  );
}

function Told({ preview, flow, language }: { preview: ForkPreview; flow: RunBeginning["flow"]; language: string }) {
  const t = useTranslations("run_actions.dialog");
  const figures = useFigures();
  const labels = new Map(flow.nodes.map((node) => [node.id, inLanguage(node.label, language) || node.id]));
  const nodes = preview.nodes.map((id) => labels.get(id) ?? id).join(", ");
  return (
    <>
      <p className="break-words">
        {nodes === "" ? t("preview_nothing") : t("preview_asked", { nodes })}{" "}
        <strong className="font-medium">{t("preview_calls", { count: preview.calls })}</strong>
        {preview.calls > 0 && (
          <>
            {", "}
            {preview.cost_usd === null ? t("preview_cost_unknown") : t("preview_cost", { usd: figures.usd(preview.cost_usd) })}
          </>
        )}
      </p>
      <p className="text-sm text-soft">
        {t("preview_reused", { count: preview.reused_calls })}
        {preview.reused_calls > 0 && preview.saved_usd !== null && <>, {t("preview_saved", { usd: figures.usd(preview.saved_usd) })}</>}
      </p>
    </>
  );
}
