"use client";

// Two runs side by side: what was asked otherwise, what each node said and took, and what came of it.
import { useQuery } from "@tanstack/react-query";
import { ArrowLeftRight } from "lucide-react";
import { useRouter, useSearchParams } from "next/navigation";
import { useTranslations } from "use-intl";
import diffWords from "@/messages/en/diff";
import runsWords from "@/messages/en/runs";
import { withWords } from "@/shared/i18n/screen-words";
import { Button, ButtonLink } from "@/shared/ui/button";
import { Badge, ScreenHead, Skeleton } from "@/shared/ui/bits";
import { TextDiff } from "@/shared/ui/diff/text-diff";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { comparePath } from "../paths";
import { Changes } from "./changes";
import { ChooseRuns, RunPicker } from "./choose";
import { Figures } from "./figures";
import { Nodes } from "./nodes";
import { comparisonQuery, runQuery, type Comparison, type Run } from "./queries";

export const CompareScreen = withWords({ runs: runsWords, diff: diffWords }, Comparing);

function Comparing() {
  const t = useTranslations("runs.comparison");
  const router = useRouter();
  const search = useSearchParams();
  const [left, right] = [search.get("left") ?? "", search.get("right") ?? ""];
  const go = (one: string, other: string) => router.push(comparePath(one, other));
  const isTwo = left !== "" && right !== "" && left !== right;
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")}>
        <ButtonLink href="/runs" size="sm">
          {t("back")}
        </ButtonLink>
        {isTwo && (
          <Button size="sm" onClick={() => go(right, left)}>
            <ArrowLeftRight aria-hidden className="size-4" />
            {t("swap")}
          </Button>
        )}
      </ScreenHead>
      {isTwo ? <Compared key={`${left} ${right}`} left={left} right={right} go={go} /> : <ChooseRuns left={left} right={right} go={go} />}
    </>
  );
}

interface ComparedProps {
  left: string;
  right: string;
  go: (left: string, right: string) => void;
}

function Compared({ left, right, go }: ComparedProps) {
  const comparison = useQuery(comparisonQuery(left, right));
  const [one, other] = [useQuery(runQuery(left)), useQuery(runQuery(right))];
  const error = comparison.error ?? one.error ?? other.error;
  const again = () => void Promise.all([comparison.refetch(), one.refetch(), other.refetch()]);
  if (error !== null) return <Problem error={error} again={again} />;
  if (comparison.data === undefined || one.data === undefined || other.data === undefined) return <Waiting />;
  return (
    <div className="flex flex-col gap-4">
      <div className="grid gap-3 md:grid-cols-2">
        <RunPicker side="left" run={one.data} onChoose={(id) => go(id, right)} />
        <RunPicker side="right" run={other.data} onChoose={(id) => go(left, id)} />
      </div>
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
        <Figures comparison={comparison.data} />
        <Changes comparison={comparison.data} left={one.data} right={other.data} />
      </div>
      <Answers left={one.data} right={other.data} />
      <Nodes comparison={comparison.data} left={one.data} right={other.data} />
    </div>
  );
}

export interface SidesProps {
  comparison: Comparison;
  left: Run;
  right: Run;
}

function Answers({ left, right }: { left: Run; right: Run }) {
  const t = useTranslations("runs.comparison");
  const [before, after] = [left.answer ?? "", right.answer ?? ""];
  return (
    <Panel title={t("answer")} actions={before === after && before !== "" && <Badge>{t("same_text")}</Badge>}>
      {before === "" && after === "" ? (
        <p className="text-soft">{t("no_answers")}</p>
      ) : before === after ? (
        <p className="break-words whitespace-pre-wrap">{before}</p>
      ) : (
        <TextDiff before={before} after={after} view="split" labels={[t("left"), t("right")]} />
      )}
    </Panel>
  );
}

function Waiting() {
  return (
    <div aria-hidden className="flex flex-col gap-4">
      <div className="grid gap-3 md:grid-cols-2">
        <Skeleton className="h-32" />
        <Skeleton className="h-32" />
      </div>
      <div className="grid gap-4 xl:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
        <Skeleton className="h-80" />
        <Skeleton className="h-80" />
      </div>
      <Skeleton className="h-40" />
      <Skeleton className="h-96" />
    </div>
  );
}
