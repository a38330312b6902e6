"use client";

// One evaluation: how far it is while it goes on, and its report once it has ended.
import { usePrefetchQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { SearchX } from "lucide-react";
import { useDeferredValue, useEffect } from "react";
import { useTranslations } from "use-intl";
import evaluationWords from "@/messages/en/evaluations";
import { withWords } from "@/shared/i18n/screen-words";
import { ApiProblem } from "@/shared/api/problem";
import { When } from "@/shared/format/when";
import { usePathId } from "@/shared/shell/path-id";
import { Empty, Skeleton } from "@/shared/ui/bits";
import { ButtonLink } from "@/shared/ui/button";
import { Problem } from "@/shared/ui/problem";
import { badgesQuery } from "@/shared/worth/badges";
import { earlyReportQuery, evaluationQuery, hasEnded, type Evaluation } from "../api";
import { ReportView } from "../report/report-view";
import { itemsOf, Standing, useTitle } from "../standing";
import { Actions } from "./actions";
import { Ended } from "./ended";
import { ProgressPanel } from "./progress-panel";
import { Setup } from "./setup";

export const OneEvaluation = withWords({ evaluations: evaluationWords }, Screen);

function Screen() {
  const id = usePathId();
  return id === null ? <Waiting /> : <One id={id} />;
}

function One({ id }: { id: string }) {
  const t = useTranslations("evaluations");
  const evaluation = useQuery(evaluationQuery(id));
  usePrefetchQuery(earlyReportQuery(id));
  // Drawn bit by bit, so that what is pressed meanwhile is not held up.
  const shown = useDeferredValue(evaluation.data);
  if (shown !== undefined) return <Shown evaluation={shown} />;
  if (evaluation.error === null) return <Waiting />;
  if (evaluation.error instanceof ApiProblem && evaluation.error.status === 404)
    return (
      <>
        <h1 className="sr-only">{t("run.not_found")}</h1>
        <Empty title={t("run.not_found")} icon={<SearchX aria-hidden className="size-6" />}>
          <ButtonLink href="/evaluations">{t("form.back")}</ButtonLink>
        </Empty>
      </>
    );
  return <Problem error={evaluation.error} again={() => void evaluation.refetch()} />;
}

function Shown({ evaluation }: { evaluation: Evaluation }) {
  const t = useTranslations("evaluations");
  const title = useTitle();
  const { cells = 0 } = evaluation.progress ?? {};
  const isOver = hasEnded(evaluation);
  const client = useQueryClient();
  useEffect(() => {
    if (isOver) void client.invalidateQueries({ queryKey: badgesQuery.queryKey });
  }, [isOver, client]);
  return (
    <>
      <header className="mb-4 flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0">
          <h1 className="text-xl font-semibold tracking-tight break-words">{title(evaluation)}</h1>
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-soft">
            <Standing evaluation={evaluation} />
            <span>{t("of_dataset", { items: itemsOf(evaluation), dataset: evaluation.dataset.name })}</span>
            <When at={evaluation.finished_at ?? evaluation.created_at} />
          </p>
        </div>
        <Actions evaluation={evaluation} />
      </header>
      <div className="flex flex-col gap-4">
        {isOver ? <Ended evaluation={evaluation} /> : <ProgressPanel evaluation={evaluation} />}
        {isOver && cells > 0 && <ReportView evaluation={evaluation} />}
        <Setup evaluation={evaluation} />
      </div>
    </>
  );
}

function Waiting() {
  return (
    <div aria-hidden className="flex flex-col gap-4">
      <Skeleton className="h-14 max-w-xl" />
      <Skeleton className="h-40" />
      <Skeleton className="h-64" />
      <Skeleton className="h-80" />
    </div>
  );
}
