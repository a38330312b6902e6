"use client";

// Two versions side by side: nodes and edges that came and went, and each setting that changed.
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Skeleton } from "@/shared/ui/bits";
import { Dialog } from "@/shared/ui/dialog";
import { TextDiff } from "@/shared/ui/diff/text-diff";
import { Select } from "@/shared/ui/field";
import { Problem } from "@/shared/ui/problem";
import { differenceQuery, type Change, type Difference } from "./api";

interface CompareProps {
  flowId: string;
  first: { from: string; to: string };
  numbers: readonly number[];
  onClose: () => void;
}

export function CompareDialog({ flowId, first, numbers, onClose }: CompareProps) {
  const t = useTranslations("inspector.versions");
  const [from, setFrom] = useState(first.from);
  const [to, setTo] = useState(first.to);
  const difference = useQuery(differenceQuery(flowId, from, to));
  const options = (
    <>
      <option value="draft">{t("draft")}</option>
      {numbers.map((number) => (
        <option key={number} value={String(number)}>
          {t("number", { number: String(number) })}
        </option>
      ))}
    </>
  );
  return (
    <Dialog open place="wide" title={t("difference")} onClose={onClose}>
      <div className="flex flex-col gap-4">
        <div className="grid grid-cols-2 gap-3 sm:max-w-md">
          <Select label={t("compare_from")} value={from} onChange={({ target }) => setFrom(target.value)}>
            {options}
          </Select>
          <Select label={t("compare_to")} value={to} onChange={({ target }) => setTo(target.value)}>
            {options}
          </Select>
        </div>
        {difference.isPending && <Skeleton className="h-48 w-full" />}
        {difference.error !== null && <Problem error={difference.error} again={() => void difference.refetch()} />}
        {difference.data !== undefined && <Changes difference={difference.data} />}
      </div>
    </Dialog>
  );
}

function Changes({ difference: { changes = [], nodes_added = [], nodes_removed = [], nodes_changed = [], edges_added = [], edges_removed = [], layout = false } }: { difference: Difference }) {
  const t = useTranslations("inspector.versions");
  const lists = [nodes_added, nodes_removed, edges_added, edges_removed, nodes_changed, changes];
  if (lists.every((list) => list.length === 0)) return <p className="text-soft">{layout ? t("layout_only") : t("no_difference")}</p>;
  return (
    <div className="flex flex-col gap-4">
      <Names title={t("nodes_added")} tone="good" names={nodes_added} />
      <Names title={t("nodes_removed")} tone="bad" names={nodes_removed} />
      <Names title={t("edges_added")} tone="good" names={edges_added.map(edgeWords)} />
      <Names title={t("edges_removed")} tone="bad" names={edges_removed.map(edgeWords)} />
      {changes.length > 0 && (
        <Part title={t("of_flow")}>
          <Each changes={changes} />
        </Part>
      )}
      {nodes_changed.map(({ id, changes: own }) => (
        <Part key={id} title={id} isName>
          <Each changes={own} />
        </Part>
      ))}
    </div>
  );
}

function edgeWords(edge: unknown): string {
  if (typeof edge !== "object" || edge === null) return JSON.stringify(edge);
  const { from, to, ...rest } = edge as Record<string, unknown>;
  const more = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [`${String(from)} → ${String(to)}`, ...more].join(", ");
}

function Part({ title, isName = false, children }: { title: string; isName?: boolean; children: ReactNode }) {
  return (
    <section className="min-w-0">
      <h3 className={`mb-1.5 font-semibold ${isName ? "font-mono text-sm" : ""}`}>{title}</h3>
      {children}
    </section>
  );
}

function Names({ title, tone, names }: { title: string; tone: "good" | "bad"; names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <Part title={title}>
      <ul className="flex flex-wrap gap-1.5">
        {names.map((name, place) => (
          <li key={`${name} ${place}`} className={`rounded-sm px-1.5 py-0.5 font-mono text-xs break-all ${tone === "good" ? "bg-good-soft text-good" : "bg-bad-soft text-bad"}`}>
            {name}
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Each({ changes }: { changes: readonly Change[] }) {
  const t = useTranslations("inspector.versions");
  return (
    <dl className="flex flex-col gap-3">
      {changes.map(({ path, before, after }) => (
        <div key={path} className="min-w-0 rounded-md border border-line p-3">
          <dt className="mb-1 font-mono text-xs text-soft">{path.slice(1).replaceAll("/", " / ")}</dt>
          <dd className="min-w-0">
            <TextDiff view="split" before={shown(before)} after={shown(after)} labels={[t("before"), t("after")]} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
