"use client";

// What the first draft or a vote of the independent answers would have said, beside what the run said.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { api, told } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";
import { useRunView } from "@/shared/run/run";
import { Badge, Meter, Skeleton } from "@/shared/ui/bits";
import { Problem } from "@/shared/ui/problem";
import { useRunHere } from "./here";
import { LaneText } from "./lane-text";
import { useVoiceName } from "./voices";

type Said = components["schemas"]["RunAlternatives"];

const alternativesQuery = (runId: string) =>
  queryOptions({
    queryKey: ["runs", runId, "alternatives"],
    queryFn: ({ signal }) => told(api.GET("/api/runs/{run_id}/alternatives", { params: { path: { run_id: runId } }, signal })),
    staleTime: Infinity, // a run that has ended stays as it is
  });

export function Alternatives({ runId }: { runId: string }) {
  const t = useTranslations("live.else");
  const said = useQuery(alternativesQuery(runId));
  if (said.isPending) return <Skeleton className="h-24" />;
  if (said.error !== null) return <Problem error={said.error} again={() => void said.refetch()} />;
  const { draft, vote, choice, best } = said.data;
  return (
    <div className="flex flex-col gap-4">
      <p className="max-w-prose text-soft">{t("about")}</p>
      {choice !== null && (
        <p className="[overflow-wrap:anywhere]">
          {t("answer")} <strong>{choice}</strong>
        </p>
      )}
      <section aria-label={t("draft")} className="min-w-0">
        <h3 className="mb-1 flex flex-wrap items-center gap-2 font-medium">
          {t("draft")} {draft !== null && <Agreement agrees={draft.agrees} />}
        </h3>
        {draft === null ? <p className="text-soft">{t("no_draft")}</p> : <LaneText text={draft.text} isGrowing={false} label={t("draft")} height="side" />}
      </section>
      <section aria-label={t("vote")} className="min-w-0">
        <h3 className="mb-1 flex flex-wrap items-center gap-2 font-medium">
          {t("vote")} {vote !== null && (vote.tied ? <Badge tone="warn">{t("tied")}</Badge> : <Agreement agrees={vote.agrees} />)}
        </h3>
        {vote === null ? <p className="text-soft">{said.data.missing === null ? t("no_vote") : t(said.data.missing)}</p> : <Counts vote={vote} />}
      </section>
      {best !== null && <Best best={best} />}
    </div>
  );
}

function Best({ best }: { best: NonNullable<Said["best"]> }) {
  const t = useTranslations("live.else");
  const voter = useVoiceName()(best.voter);
  const why = best.by === "agreement" ? t("best_agreement", { voter, count: best.score }) : t(`best_${best.by}`, { voter, score: best.score });
  return (
    <section aria-label={t("best")} className="min-w-0">
      <h3 className="mb-1 flex flex-wrap items-center gap-2 font-medium">
        {t("best")} <Agreement agrees={best.agrees} />
      </h3>
      <p className="mb-1 max-w-prose text-sm text-soft [overflow-wrap:anywhere]">{why}</p>
      <LaneText text={best.text} isGrowing={false} label={t("best")} height="side" />
    </section>
  );
}

function Agreement({ agrees }: { agrees: boolean | null }) {
  const t = useTranslations("live.else");
  if (agrees === null) return null;
  return <Badge tone={agrees ? "plain" : "accent"}>{agrees ? t("same") : t("other")}</Badge>;
}

function Counts({ vote }: { vote: NonNullable<Said["vote"]> }) {
  const t = useTranslations("live.else");
  const nameOf = useVoiceName();
  const nodes = useRunView(useRunHere())?.nodes ?? [];
  const hasFlow = vote.voices.some((voice) => nodes.some(({ id, kind }) => id === voice.node && kind === "subflow"));
  const all = vote.counts.reduce((sum, count) => sum + count.votes, 0);
  return (
    <ul className="flex flex-col gap-2">
      {vote.counts.map((count) => (
        <li key={count.choice} className="min-w-0 [overflow-wrap:anywhere]">
          <p className="flex flex-wrap items-baseline gap-x-2">
            <span className={count.choice === vote.winner ? "font-semibold" : ""} dir="auto">
              {count.choice}
            </span>
            <span className="text-sm text-soft">{t("votes", { count: count.votes })}</span>
            <span className="text-xs text-soft">{count.voters.map(nameOf).join(", ")}</span>
          </p>
          <Meter label={t("share", { choice: count.choice })} value={all > 0 ? count.votes / all : 0} />
        </li>
      ))}
      {hasFlow && <li className="text-sm text-soft">{t("flow_voice")}</li>}
      {vote.abstained > 0 && <li className="text-sm text-soft">{t("abstained", { count: vote.abstained })}</li>}
    </ul>
  );
}
