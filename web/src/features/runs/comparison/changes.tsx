"use client";

// What the right run was asked that the left one was not.
import type { ReactNode } from "react";
import { useLocale, useTranslations } from "use-intl";
import { useFlowName } from "@/shared/flow/names";
import { inLanguage } from "@/shared/flow/text";
import { Badge, type Tone } from "@/shared/ui/bits";
import { TextDiff } from "@/shared/ui/diff/text-diff";
import { Panel } from "@/shared/ui/panel";
import type { Change } from "./queries";
import type { SidesProps } from "./screen";

const TEXT_CHARS = 40;

export function Changes({ comparison, left, right }: SidesProps) {
  const t = useTranslations("runs.comparison");
  const request = comparison.changes?.request ?? [];
  const isSame = comparison.same_flow && comparison.prompt.same && request.length === 0;
  return (
    <Panel title={t("changes")}>
      <div className="flex flex-col gap-4">
        {isSame && <p className="text-soft">{t("no_changes")}</p>}
        {!comparison.prompt.same && (
          <Part title={t("question")}>
            <TextDiff before={left.prompt} after={right.prompt} labels={[t("left"), t("right")]} />
          </Part>
        )}
        {request.length > 0 && (
          <Part title={t("options")}>
            <ChangeList changes={request} />
          </Part>
        )}
        <FlowChanges comparison={comparison} />
      </div>
    </Panel>
  );
}

function FlowChanges({ comparison: { left, right, nodes, changes } }: Pick<SidesProps, "comparison">) {
  const t = useTranslations("runs.comparison");
  const flowName = useFlowName();
  if (!changes) return null;
  const { nodes_changed = [], nodes_added = [], nodes_removed = [], edges_added = [], edges_removed = [] } = changes.flow;
  const isOtherFlow = left.flow_id !== right.flow_id;
  const whole = isOtherFlow ? [] : (changes.flow.changes ?? []);
  const label = (id: string) => nodes.find((node) => node.id === id)?.label || id;
  return (
    <>
      {isOtherFlow && <p>{t("other_flow", { left: flowName(left.flow_id), right: flowName(right.flow_id) })}</p>}
      {whole.length > 0 && (
        <Part title={t("whole_flow")}>
          <ChangeList changes={whole} />
        </Part>
      )}
      {nodes_changed.map((node) => (
        <Part key={node.id} title={label(node.id)}>
          <ChangeList changes={node.changes} />
        </Part>
      ))}
      <Alone ids={nodes_added.map(label)} tone="good" words={t("node_added")} />
      <Alone ids={nodes_removed.map(label)} tone="bad" words={t("node_removed")} />
      {edges_added.length > 0 && <p className="text-soft">{t("edges_added", { count: edges_added.length })}</p>}
      {edges_removed.length > 0 && <p className="text-soft">{t("edges_removed", { count: edges_removed.length })}</p>}
    </>
  );
}

/** Nodes that one of the two flows has alone. */
function Alone({ ids, tone, words }: { ids: readonly string[]; tone: Tone; words: string }) {
  return ids.map((id) => (
    <p key={id}>
      {id} <Badge tone={tone}>{words}</Badge>
    </p>
  ));
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="min-w-0">
      <h3 className="mb-1 text-sm font-semibold">{title}</h3>
      {children}
    </section>
  );
}

/** A line a change; texts word by word. */
function ChangeList({ changes }: { changes: readonly Change[] }) {
  return (
    <dl className="flex flex-col gap-2">
      {changes.map((change) => (
        <div key={change.path} className="grid gap-x-3 gap-y-0.5 sm:grid-cols-[9rem_minmax(0,1fr)]">
          <dt className="font-mono text-sm break-words text-soft">{change.path.replace(/^\/(options\/)?/, "") || "/"}</dt>
          <dd className="min-w-0">
            <Changed change={change} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Changed({ change: { before, after } }: { change: Change }) {
  const t = useTranslations("runs.comparison");
  const locale = useLocale();
  const [old, now] = [textOf(before, locale), textOf(after, locale)];
  if (old !== null && now !== null && old !== now && Math.max(old.length, now.length) > TEXT_CHARS)
    return <TextDiff before={old} after={now} labels={[t("left"), t("right")]} />;
  return (
    <p className="break-words">
      <Value value={before} /> → <Value value={after} />
    </p>
  );
}

/** A text, or that of the language where there is one for each; null for anything else. */
function textOf(value: unknown, language: string): string | null {
  if (typeof value === "string") return value;
  const isText = typeof value === "object" && value !== null && Object.keys(value).every((name) => name === "en" || name === "es");
  return isText ? inLanguage(value as Record<string, string>, language) : null;
}

function Value({ value }: { value: unknown }) {
  const t = useTranslations("runs.comparison");
  if (value === null || value === undefined) return <span className="text-soft">{t("nothing")}</span>;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return <code className="rounded-sm bg-sunken px-1 font-mono text-sm break-words whitespace-pre-wrap">{text}</code>;
}
