"use client";

// Which two runs are compared.
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useTranslations } from "use-intl";
import { latestRunsQuery } from "@/shared/api/endpoints";
import { useFlowName } from "@/shared/flow/names";
import { When } from "@/shared/format/when";
import { Badge } from "@/shared/ui/bits";
import { Select } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { RunStatus } from "@/shared/ui/status";
import type { Run } from "./queries";

const OFFERED = 50;
const SHOWN_CHARS = 70;

interface ChooseProps {
  left: string;
  right: string;
  go: (left: string, right: string) => void;
}

/** Where there are not two runs yet. */
export function ChooseRuns({ left, right, go }: ChooseProps) {
  const t = useTranslations("runs.comparison");
  return (
    <Panel title={t("choose_title")}>
      <p className="mb-3 max-w-prose text-soft">{left !== "" && left === right ? t("same_run") : t("choose_about")}</p>
      <div className="grid gap-3 md:grid-cols-2">
        <RunSelect label={t("left_run")} value={left} onChoose={(id) => go(id, right)} />
        <RunSelect label={t("right_run")} value={right} onChoose={(id) => go(left, id)} />
      </div>
    </Panel>
  );
}

interface RunSelectProps {
  label: string;
  value: string;
  hideLabel?: boolean;
  onChoose: (runId: string) => void;
}

/** The latest runs, and the one that is chosen, however old. */
function RunSelect({ label, value, hideLabel = false, onChoose }: RunSelectProps) {
  const t = useTranslations("runs.comparison");
  const flowName = useFlowName();
  const runs = useQuery(latestRunsQuery(OFFERED)).data?.runs ?? [];
  const isOffered = value === "" || runs.some(({ run_id }) => run_id === value);
  return (
    <Select label={label} hideLabel={hideLabel} value={value} onChange={(event) => onChoose(event.target.value)}>
      {value === "" && <option value="">{t("choose")}</option>}
      {!isOffered && <option value={value}>{value}</option>}
      {runs.map(({ run_id, prompt, flow_id }) => (
        <option key={run_id} value={run_id}>
          {`${flowName(flow_id)}: ${prompt.length > SHOWN_CHARS ? `${prompt.slice(0, SHOWN_CHARS)}…` : prompt} (${run_id})`}
        </option>
      ))}
    </Select>
  );
}

/** One of the two: what it is, and the way to take another one in its place. */
export function RunPicker({ side, run, onChoose }: { side: "left" | "right"; run: Run; onChoose: (runId: string) => void }) {
  const t = useTranslations("runs.comparison");
  const flowName = useFlowName();
  return (
    <section aria-label={t(`${side}_run`)} className="flex min-w-0 flex-col gap-2 rounded-lg border border-line bg-surface p-3">
      <div className="flex flex-wrap items-center gap-2 text-sm text-soft">
        <Badge>{t(side)}</Badge>
        <RunStatus status={run.status} />
        <span title={run.flow_id}>
          {flowName(run.flow_id)}
          {run.flow_version !== null && run.flow_version !== undefined && ` @${run.flow_version}`}
        </span>
        {run.created_at && <When at={run.created_at} className="ml-auto" />}
      </div>
      <Link href={`/runs/${run.run_id}`} prefetch={false} className="line-clamp-2 min-h-[2.75rem] break-words hover:underline">
        {run.prompt}
      </Link>
      <RunSelect hideLabel label={t(`${side}_run`)} value={run.run_id} onChoose={onChoose} />
    </section>
  );
}
