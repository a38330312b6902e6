"use client";

// The latest runs, to go back to.
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useTranslations } from "use-intl";
import { latestRunsQuery } from "@/shared/api/endpoints";
import { useFlowName } from "@/shared/flow/names";
import { When } from "@/shared/format/when";
import { ButtonLink } from "@/shared/ui/button";
import { Skeleton } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { RunStatus } from "@/shared/ui/status";

const SHOWN = 8;

export function LatestRuns() {
  const t = useTranslations("console");
  const flowName = useFlowName();
  const runs = useQuery({ ...latestRunsQuery(SHOWN), refetchInterval: 5_000 });
  return (
    <Panel
      title={t("latest")}
      flush
      className="self-start"
      actions={
        <ButtonLink href="/runs" look="quiet" size="sm">
          {t("all_runs")}
        </ButtonLink>
      }
    >
      {runs.isPending && (
        <div className="flex flex-col gap-2 p-4">
          <Skeleton className="h-12" />
          <Skeleton className="h-12" />
          <Skeleton className="h-12" />
        </div>
      )}
      {runs.error !== null && runs.data === undefined && (
        <div className="p-4">
          <Problem error={runs.error} again={() => void runs.refetch()} />
        </div>
      )}
      {runs.data?.runs.length === 0 && <p className="p-4 text-soft">{t("latest_none")}</p>}
      <ul className="divide-y divide-line">
        {runs.data?.runs.map((run) => (
          <li key={run.run_id}>
            <Link href={`/runs/${run.run_id}`} prefetch={false} className="flex flex-col gap-1 px-4 py-2.5 hover:bg-sunken">
              <span className="line-clamp-2 break-words">{run.prompt}</span>
              <span className="flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-soft">
                <RunStatus status={run.status} />
                <span title={run.flow_id}>{flowName(run.flow_id)}</span>
                <When at={run.created_at} className="ml-auto" />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
