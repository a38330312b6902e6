"use client";

// A new evaluation: which questions, what is held against what, how it is judged, what it may cost.
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { useLocale, useTranslations } from "use-intl";
import evaluationWords from "@/messages/en/evaluations";
import { withWords } from "@/shared/i18n/screen-words";
import { ApiProblem } from "@/shared/api/problem";
import { newKey } from "@/shared/key";
import { ScreenHead } from "@/shared/ui/bits";
import { ButtonLink } from "@/shared/ui/button";
import { Problem } from "@/shared/ui/problem";
import { useStart } from "../api";
import { ArmsSection } from "./arms-section";
import { DatasetSection } from "./dataset-section";
import { specOf, useDraft, wrongIn } from "./draft";
import { EstimatePanel } from "./estimate-panel";
import { ScorerSection } from "./scorer-section";

export const NewEvaluation = withWords({ evaluations: evaluationWords }, Form);

function Form() {
  const t = useTranslations("evaluations.form");
  const router = useRouter();
  const language = useLocale();
  useEffect(() => {
    void useDraft.persist.rehydrate();
    // What models write is run by leave for one evaluation, not for the next.
    useDraft.getState().change({ runCode: false });
  }, []);
  const start = useStart((id) => router.push(`/evaluations/${id}`));
  const send = () => {
    const draft = useDraft.getState();
    if (wrongIn(draft).length > 0 || start.isPending || start.isSuccess) return;
    start.mutate({ spec: specOf(draft, language), key: newKey() });
  };
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")}>
        <ButtonLink href="/evaluations" size="sm">
          {t("back")}
        </ButtonLink>
      </ScreenHead>
      <form
        noValidate
        className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_22rem]"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
        onKeyDown={(event) => {
          // Enter alone in a field would begin what nobody meant to begin.
          if (event.key === "Enter" && event.target instanceof HTMLInputElement && !event.ctrlKey && !event.metaKey) event.preventDefault();
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
        }}
      >
        <div className="flex min-w-0 flex-col gap-4">
          <DatasetSection />
          <ArmsSection problem={start.error instanceof ApiProblem ? start.error : null} />
          <ScorerSection />
        </div>
        <div className="flex min-w-0 flex-col gap-4 xl:sticky xl:top-5">
          <EstimatePanel isSending={start.isPending || start.isSuccess} />
          {start.error !== null && <Problem error={start.error} />}
        </div>
      </form>
    </>
  );
}
