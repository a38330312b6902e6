"use client";

// Runs the selected node alone, on what the nodes before it are taken to have said.
import { useQueryClient } from "@tanstack/react-query";
import { Pin, Play } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useLocale, useTranslations } from "use-intl";
import type { RunView } from "@/run/events";
import { hasEnded } from "@/shared/run-actions/api";
import { useRun, useRunView } from "@/shared/run/run";
import { Badge } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { TextArea } from "@/shared/ui/field";
import { Fold } from "@/shared/ui/fold";
import { Problem } from "@/shared/ui/problem";
import { nodeOf } from "../document";
import { useKind } from "../inspector/kinds";
import { JsonField } from "../inspector/values";
import { flowNow, useBuilder, useBuilderStore } from "../store";
import { requestOf, tryOut, useAsked, useTried, type Pins } from "../watch/asked";
import { Fault, NodeRun } from "../watch/node-run";
import { RunForm } from "../watch/run-form";
import { useStartRun } from "../watch/starting";
import { NotStarted, RunLine, Stop } from "../watch/watch";
import { latestPins } from "./latest-pins";
import { needsOf, type Need } from "./needs";

export function Trial({ id }: { id: string }) {
  const t = useTranslations("inspector.trial");
  const language = useLocale();
  const flowId = useBuilder((state) => state.flowId);
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const asked = useAsked(flowId);
  const { pins, runId } = useTried(flowId, id);
  const needs = useNeeds(id);
  const run = useRun(runId);
  const view = useRunView(run);
  useLit(id, view);
  const start = useStartRun((next) => tryOut(flowId, id, (now) => ({ ...now, runId: next })));
  const goesOn = runId !== null && (view === null || !hasEnded(view.status));
  const canSend = asked.question.trim() !== "" && !start.isPending && !goesOn;
  const send = () => {
    if (!canSend) return;
    const wanted = new Set(needs.map(({ node }) => node));
    const given = Object.entries(pins).filter(([node, { text, fields }]) => wanted.has(node) && (text !== "" || Object.keys(fields).length > 0));
    start.mutate({ ...requestOf(flowId, !isReadOnly, asked, language), only: id, pins: Object.fromEntries(given) as never });
  };
  return (
    <div className="flex flex-col gap-4">
      <p className="text-sm text-soft">{t("about")}</p>
      <RunForm onSend={send} rows={2} />
      <PinForm id={id} needs={needs} pins={pins} onChange={(next) => tryOut(flowId, id, (now) => ({ ...now, pins: next }))} />
      <div className="flex flex-wrap gap-2">
        <Button look="primary" disabled={!canSend} busy={start.isPending} onClick={send}>
          <Play aria-hidden className="size-4" />
          {t("run")}
        </Button>
        {runId !== null && goesOn && <Stop runId={runId} status={view?.status ?? "running"} />}
      </div>
      <InView of={start.error ?? runId}>{start.error !== null && <NotStarted error={start.error} />}</InView>
      {view !== null && (
        <section aria-label={t("output")} className="flex min-w-0 flex-col gap-3 border-t border-line pt-3">
          <RunLine run={run} view={view} />
          <Fault run={run} />
          <NodeRun run={run} id={id} />
          <LeadsTo targets={view.edges.filter(({ source, taken }) => source === id && taken > 0).map(({ target }) => target)} />
        </section>
      )}
    </div>
  );
}

/** Lights the node up on the canvas as its trial goes on. */
function useLit(id: string, view: RunView | null): void {
  const store = useBuilderStore();
  useEffect(() => {
    const tried = view?.nodes.find((node) => node.id === id);
    if (tried === undefined) return;
    const { status, visits, seconds } = tried;
    store.getState().setWatched(new Map(store.getState().watched).set(id, { status, visits, seconds }));
  }, [id, view, store]);
}

/** Comes into view whenever something new stands there: what was pressed for it may be far above. */
function InView({ of, children }: { of: unknown; children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  const before = useRef(of);
  useEffect(() => {
    if (of !== before.current && of !== null) place.current?.scrollIntoView({ block: "center" });
    before.current = of;
  }, [of]);
  return <div ref={place}>{children}</div>;
}

function LeadsTo({ targets }: { targets: readonly string[] }) {
  const t = useTranslations("inspector.trial");
  return targets.length === 0 ? null : <p className="text-sm text-soft">{t("leads", { nodes: targets.join(", ") })}</p>;
}

function useNeeds(id: string): readonly Need[] {
  const flow = useBuilder(flowNow);
  const node = nodeOf(flow, id);
  const kind = useKind(node?.kind ?? "");
  return useMemo(() => {
    const others = new Set(flow.nodes.map((one) => one.id));
    return node === undefined || kind === null ? [] : needsOf(node, kind.settings, flow.edges, others);
  }, [flow, node, kind]);
}

interface PinFormProps {
  id: string;
  needs: readonly Need[];
  pins: Pins;
  onChange: (pins: Pins) => void;
}

function PinForm({ id, needs, pins, onChange }: PinFormProps) {
  const t = useTranslations("inspector.trial");
  if (needs.length === 0) return <p className="text-sm text-soft">{t("pins_none")}</p>;
  const change = (node: string, next: Partial<Pins[string]>) => onChange({ ...pins, [node]: { ...(pins[node] ?? { text: "", fields: {} }), ...next } });
  return (
    <fieldset data-part="pins" className="flex min-w-0 flex-col gap-3">
      <legend className="mb-1 flex items-center gap-1.5 text-sm font-semibold">
        <Pin aria-hidden className="size-3.5" />
        {t("pins")}
      </legend>
      <FromLatest key={id} id={id} nodes={needs.map(({ node }) => node)} pins={pins} />
      {needs.map(({ node, fields, isNeeded }) => (
        <div key={node} className="flex min-w-0 flex-col gap-2">
          <TextArea
            label={t("pin", { node })}
            rows={2}
            value={pins[node]?.text ?? ""}
            {...(isNeeded && { hint: <Badge>{t("pin_needed")}</Badge> })}
            onChange={({ target }) => change(node, { text: target.value })}
          />
          <PinnedFields node={node} read={fields} values={pins[node]?.fields ?? {}} onChange={(next) => change(node, { fields: next })} />
        </div>
      ))}
    </fieldset>
  );
}

interface PinnedFieldsProps {
  node: string;
  read: readonly string[];
  values: Readonly<Record<string, unknown>>;
  onChange: (values: Readonly<Record<string, unknown>>) => void;
}

/** Unfolded where the node reads some of them. */
function PinnedFields({ node, read, values, onChange }: PinnedFieldsProps) {
  const t = useTranslations("inspector.trial");
  const isEmpty = Object.keys(values).length === 0;
  if (read.length === 0 && isEmpty) return null;
  const label = t("pin_fields", { node });
  return (
    <Fold mustShow={read.length > 0}>
      <summary className="mb-1 w-fit text-sm text-soft hover:text-ink">{label}</summary>
      <JsonField
        label={label}
        hideLabel
        isObject
        rows={3}
        value={isEmpty ? undefined : values}
        hint={read.join(", ")}
        {...(read.length > 0 && { example: Object.fromEntries(read.map((field) => [field, ""])) })}
        onChange={(next) => onChange((next ?? {}) as Record<string, unknown>)}
      />
    </Fold>
  );
}

/** Of what was found, the pins that are as they were when it was asked for. */
function untouched(found: Pins, before: Pins, now: Pins): Pins {
  return Object.fromEntries(Object.entries(found).filter(([node]) => now[node] === before[node]));
}

/** One press takes what these nodes said in the latest run of the flow, and its question where none is written yet. */
function FromLatest({ id, nodes, pins }: { id: string; nodes: readonly string[]; pins: Pins }) {
  const t = useTranslations("inspector.trial");
  const client = useQueryClient();
  const flowId = useBuilder((state) => state.flowId);
  const { runId } = useAsked(flowId);
  const [state, setState] = useState<{ isBusy: boolean; isNone: boolean; error: unknown }>({ isBusy: false, isNone: false, error: null });
  const take = async () => {
    setState({ isBusy: true, isNone: false, error: null });
    try {
      const found = await latestPins(client, flowId, runId, nodes);
      setState({ isBusy: false, isNone: found === null, error: null });
      // What was typed while they were looked for stays.
      if (found !== null) tryOut(flowId, id, (now) => ({ ...now, pins: { ...now.pins, ...untouched(found, pins, now.pins) } }));
    } catch (error) {
      setState({ isBusy: false, isNone: false, error });
    }
  };
  return (
    <div className="flex flex-col gap-1">
      <Button size="sm" className="w-fit" busy={state.isBusy} onClick={() => void take()}>
        {t("from_run")}
      </Button>
      <p role="status" className="text-xs text-soft">
        {state.isNone && t("from_run_none")}
      </p>
      {state.error !== null && <Problem error={state.error} />}
    </div>
  );
}
