"use client";

// One node in one run: how it stands, what it says as it says it, what it took, what it left.
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { LateMarkdown } from "@/shared/markdown/late";
import { AnswerForm } from "@/shared/run-actions/answer-form";
import { useLane, useNewestLanes, useNode, useRunView, type Run } from "@/shared/run/run";
import type { NodeView } from "@/run/events";
import { Badge } from "@/shared/ui/bits";
import { CopyButton } from "@/shared/ui/copy";
import { NodeStatus } from "@/shared/ui/status";

export function NodeRun({ run, id }: { run: Run; id: string }) {
  const t = useTranslations("inspector.watch");
  const node = useNode(run, id);
  const lanes = useNewestLanes(run, id);
  if (node === undefined) return <p className="text-soft">{t("not_yet")}</p>;
  const isOver = node.status === "completed" || node.status === "pinned";
  return (
    <section aria-label={t("node", { node: id })} className="flex min-w-0 flex-col gap-3">
      <Figures node={node} />
      {node.question !== null && run.id !== null && <AnswerForm runId={run.id} node={node} />}
      {isOver ? <Said text={node.text} /> : lanes.map((lane) => <Speaking key={lane} run={run} lane={lane} />)}
      {!isOver && lanes.length === 0 && node.question === null && <p className="text-soft">{t("not_yet")}</p>}
      {isOver && lanes.length > 1 && (
        <details>
          <summary className="w-fit text-sm text-soft hover:text-ink">{t("samples", { count: lanes.length })}</summary>
          <div className="mt-2 flex flex-col gap-2">
            {lanes.map((lane) => (
              <Speaking key={lane} run={run} lane={lane} />
            ))}
          </div>
        </details>
      )}
      <Fields fields={node.fields} />
      <Notes notes={node.notes} />
    </section>
  );
}

function Figures({ node }: { node: NodeView }) {
  const figures = useFigures();
  const t = useTranslations("inspector.watch");
  return (
    <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-soft">
      <NodeStatus status={node.status} />
      {node.visits > 1 && <Badge>{t("visits", { count: node.visits })}</Badge>}
      {node.model !== null && <span className="font-mono">{node.model}</span>}
      {node.cache_hit !== null && <Badge tone={node.cache_hit ? "good" : "plain"}>{node.cache_hit ? "HIT" : "MISS"}</Badge>}
      {node.calls > 0 && <span>{figures.tokens(node.tokens)}</span>}
      {node.seconds > 0 && <span>{figures.seconds(node.seconds)}</span>}
      {node.calls > 0 && <span>{figures.usd(node.cost_usd)}</span>}
    </p>
  );
}

function Said({ text }: { text: string }) {
  if (text === "") return null;
  return (
    <div className="relative min-w-0 rounded-md border border-line bg-page p-3">
      <div className="absolute top-1 right-1">
        <CopyButton small text={text} />
      </div>
      <div className="max-h-96 overflow-y-auto pr-8">
        <LateMarkdown text={text} />
      </div>
    </div>
  );
}

/** Plain while it grows: half of a table is no table yet. */
function Speaking({ run, lane: key }: { run: Run; lane: string }) {
  const lane = useLane(run, key);
  if (lane === undefined || lane.text === "") return null;
  return <p className="max-h-96 min-w-0 overflow-y-auto rounded-md border border-line bg-page p-3 break-words whitespace-pre-wrap">{lane.text}</p>;
}

function Fields({ fields }: { fields: NodeView["fields"] }) {
  const t = useTranslations("inspector.trial");
  const shown = Object.entries(fields);
  if (shown.length === 0) return null;
  return (
    <details>
      <summary className="w-fit text-sm text-soft hover:text-ink">{t("fields")}</summary>
      <dl className="mt-2 flex flex-col gap-1 text-sm">
        {shown.map(([name, value]) => (
          <div key={name} className="min-w-0">
            <dt className="font-mono text-xs text-soft">{name}</dt>
            <dd className="max-h-40 overflow-y-auto font-mono text-xs break-words whitespace-pre-wrap">
              {typeof value === "string" ? value : JSON.stringify(value, null, 1)}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function Notes({ notes }: { notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1 text-xs text-warn">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}

/** How the run stands where it failed: the sentence, and whose fault it is. */
export function Fault({ run }: { run: Run }) {
  const t = useTranslations("inspector.watch");
  const view = useRunView(run);
  if (view?.fault === null || view?.fault === undefined) return null;
  const { node, message } = view.fault;
  return (
    <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-sm break-words">
      {node !== null && <code className="font-mono text-xs">{node}: </code>}
      {message || t("failed")}
    </p>
  );
}
