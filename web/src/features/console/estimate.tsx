"use client";

// What the run that is being written may take at the most, told by the server before anything is sent.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useDeferredValue } from "react";
import { useLocale, useTranslations } from "use-intl";
import { flowsQuery } from "@/shared/api/endpoints";
import { useFigures } from "@/shared/format/figures";
import { useSettled } from "@/shared/settled";
import { useSentence } from "@/shared/ui/problem";
import { estimateQuery } from "./asking";
import { runRequest, useDraft, wrongFields, type RunRequest } from "./draft";

const QUIET_MS = 350;

export function Estimate() {
  const t = useTranslations("console");
  const figures = useFigures();
  const sentence = useSentence();
  const estimate = useEstimate();
  if (!estimate.isAsked) return <p className="text-sm text-soft">{t("estimate_wait")}</p>;
  if (estimate.error !== null && estimate.data === undefined)
    return (
      <p role="status" className="text-sm text-bad">
        {sentence(estimate.error)}
      </p>
    );
  const { data } = estimate;
  return (
    <p className="text-base" aria-live="polite" title={t("estimate_bound")}>
      <span className="text-soft">{t("estimate")}: </span>
      {data === undefined ? (
        "…"
      ) : (
        <>
          <strong className="font-medium">{t("estimate_calls", { count: data.calls })}</strong>
          {", "}
          {data.cost_usd === null ? t("estimate_unknown") : <strong className="font-medium">{figures.usd(data.cost_usd)}</strong>}
        </>
      )}
    </p>
  );
}

function useEstimate() {
  const draft = useDraft();
  const locale = useLocale();
  const flows = useQuery(flowsQuery);
  const flow = flows.data?.flows.find(({ id }) => id === draft.flow);
  const isAsked = draft.question.trim() !== "" && wrongFields(draft).length === 0 && flow !== undefined;
  const inputs = Object.keys(flow?.inputs ?? {}).filter((name) => name !== "user_input");
  const request = JSON.stringify(runRequest(draft, { roles: flow?.roles ?? [], inputs }, locale));
  const settled = useSettled(useDeferredValue(request), QUIET_MS);
  const asked = JSON.parse(settled) as RunRequest;
  const query = useQuery({
    ...estimateQuery(asked),
    enabled: isAsked && asked.prompt.trim() !== "",
    placeholderData: keepPreviousData,
  });
  return { isAsked, data: query.data, error: query.error };
}
