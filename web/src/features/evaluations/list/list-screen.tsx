"use client";

// The evaluations that there are: how far each is, and what it found.
import { useInfiniteQuery } from "@tanstack/react-query";
import { FileInput, Plus, Scale } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { useTranslations } from "use-intl";
import evaluationWords from "@/messages/en/evaluations";
import { withWords } from "@/shared/i18n/screen-words";
import { useFigures } from "@/shared/format/figures";
import { When } from "@/shared/format/when";
import { Empty, Meter, ScreenHead, Skeleton } from "@/shared/ui/bits";
import { Button, ButtonLink } from "@/shared/ui/button";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { evaluationsQuery, hasEnded, type Evaluation } from "../api";
import { ImportDialog } from "../imports/late";
import { itemsOf, shareOf, Standing, useTitle, VerdictBadge } from "../standing";

export const EvaluationsScreen = withWords({ evaluations: evaluationWords }, Screen);

function Screen() {
  const t = useTranslations("evaluations");
  const [isImporting, setImporting] = useState(false);
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")}>
        <Button onClick={() => setImporting(true)}>
          <FileInput aria-hidden className="size-4" />
          {t("importing.open")}
        </Button>
        <ButtonLink href="/evaluations/new" look="primary">
          <Plus aria-hidden className="size-4" />
          {t("new")}
        </ButtonLink>
      </ScreenHead>
      <Panel flush>
        <List />
      </Panel>
      {isImporting && <ImportDialog onClose={() => setImporting(false)} />}
    </>
  );
}

function List() {
  const t = useTranslations("evaluations");
  const list = useInfiniteQuery(evaluationsQuery);
  if (list.isPending) return <Waiting />;
  const rows = list.data?.pages.flatMap((page) => page.evaluations) ?? [];
  if (rows.length === 0 && list.error === null) return <Nothing />;
  return (
    <>
      {list.error !== null && (
        <div className="p-4">
          <Problem error={list.error} again={() => void list.refetch()} />
        </div>
      )}
      <ul aria-label={t("list")} className="divide-y divide-line">
        {rows.map((evaluation) => (
          <Row key={evaluation.evaluation_id} evaluation={evaluation} />
        ))}
      </ul>
      {list.hasNextPage && (
        <div className="flex justify-center border-t border-line p-3">
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("more")}
          </Button>
        </div>
      )}
    </>
  );
}

function Nothing() {
  const t = useTranslations("evaluations");
  return (
    <Empty title={t("none_title")} icon={<Scale aria-hidden className="size-6" />}>
      <p>{t("none")}</p>
      <ButtonLink href="/evaluations/new">{t("new")}</ButtonLink>
    </Empty>
  );
}

function Row({ evaluation }: { evaluation: Evaluation }) {
  const t = useTranslations("evaluations");
  const title = useTitle();
  const { spec, dataset, created_at, progress } = evaluation;
  return (
    <li className="relative flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-3 hover:bg-sunken/60">
      <div className="min-w-0 flex-1 basis-64">
        <Link
          href={`/evaluations/${evaluation.evaluation_id}`}
          prefetch={false}
          className="block truncate font-medium after:absolute after:inset-0"
        >
          {title(evaluation)}
        </Link>
        <p className="truncate text-sm text-soft">
          {t("of_dataset", { items: itemsOf(evaluation), dataset: dataset.name })}
          {" · "}
          {t("arms_count", { count: spec.arms.length })}
          {hasEnded(evaluation) && progress !== undefined && progress.cells !== progress.of && (
            <> · {t("cells", { cells: progress.cells ?? 0, of: progress.of ?? 0 })}</>
          )}
        </p>
      </div>
      {hasEnded(evaluation) ? <Outcomes evaluation={evaluation} /> : <Going evaluation={evaluation} />}
      <div className="flex items-center gap-3 sm:min-w-56 sm:shrink-0 sm:justify-end">
        <Standing evaluation={evaluation} />
        <When at={created_at} className="text-sm whitespace-nowrap text-soft" />
      </div>
    </li>
  );
}

const SHOWN = 3;

function Outcomes({ evaluation: { outcomes = [] } }: { evaluation: Evaluation }) {
  const t = useTranslations("evaluations");
  if (outcomes.length === 0) return null;
  return (
    <ul className="flex min-w-0 flex-col gap-1 md:items-end">
      {outcomes.slice(0, SHOWN).map(({ arm, against, verdict, difference }) => (
        <li key={`${arm} ${against}`} className="flex min-w-0 items-center gap-2 text-sm">
          <span className="max-w-64 truncate text-soft">{t("against", { arm, against })}</span>
          <VerdictBadge verdict={verdict} difference={difference} />
        </li>
      ))}
    </ul>
  );
}

function Going({ evaluation }: { evaluation: Evaluation }) {
  const t = useTranslations("evaluations");
  const figures = useFigures();
  const { cells = 0, of = 0, seconds_left = null } = evaluation.progress ?? {};
  const left = seconds_left === null ? t("left_unknown") : t("left", { time: figures.about(seconds_left) });
  return (
    <div className="w-full sm:w-64">
      <Meter label={t("run.progress_label")} value={shareOf(evaluation)} text={t("cells", { cells, of })} />
      <p className="mt-1 text-xs text-soft tabular-nums">
        {t("cells", { cells, of })} · {left}
      </p>
    </div>
  );
}

function Waiting() {
  return (
    <div aria-hidden className="flex flex-col gap-3 p-4">
      {Array.from({ length: 6 }, (_, place) => (
        <Skeleton key={place} className="h-12" />
      ))}
    </div>
  );
}
