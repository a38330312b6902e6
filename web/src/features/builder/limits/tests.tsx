"use client";

// The test cases that a flow carries: what is asked, what everybody says, what must come of it; and how they came out.
import { useMutation } from "@tanstack/react-query";
import { FlaskConical, Plus, Trash2 } from "lucide-react";
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { api, told } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";
import { Badge, Empty } from "@/shared/ui/bits";
import { Button, IconButton } from "@/shared/ui/button";
import { Select, TextArea, TextField } from "@/shared/ui/field";
import { Fold } from "@/shared/ui/fold";
import { changeFlow, type FlowDoc } from "../document";
import { opsFor, written, type Op } from "../conditions/condition";
import { ThanField } from "../conditions/than-field";
import { JsonField, ListField } from "../inspector/values";
import { useProblemsAt } from "../problems/checks";
import { said } from "../problems/places";
import { flowNow, useBuilder, useBuilderStore } from "../store";
import { NotSaved } from "../watch/starting";
import { NotStarted } from "../watch/watch";

type Result = components["schemas"]["CaseResult"];

interface Expectation {
  value: string;
  op: Op;
  than: unknown;
}

interface Case {
  name: string;
  prompt: string;
  answers?: unknown;
  people?: unknown;
  expect: readonly Expectation[];
  [more: string]: unknown;
}

const OP_NAMES = { "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", in: "in", contains: "contains" } as const;

export function Tests() {
  const t = useTranslations("inspector.tests");
  const flow = useBuilder(flowNow);
  const readOnly = useBuilder((state) => state.isReadOnly);
  const store = useBuilderStore();
  const run = useRunTests();
  const cases = (flow.tests ?? []) as readonly Case[];
  const keep = (next: readonly Case[], key?: string) =>
    store.getState().edit((now) => changeFlow(now, { tests: next.length === 0 ? undefined : next } as Partial<FlowDoc>), key);
  const add = () => keep([...cases, { name: freeName(cases, t("name")), prompt: "", answers: {}, expect: [{ value: "status", op: "==", than: "completed" }] }]);
  const results = run.data?.results ?? [];
  return (
    <div className="flex flex-col gap-4">
      <p className="text-sm text-soft">{t("about")}</p>
      {cases.length === 0 && <Empty title={t("none")} />}
      {cases.map((one, place) => (
        <OneCase
          key={place}
          at={place}
          value={one}
          readOnly={readOnly}
          result={results.find(({ name }) => name === one.name)}
          isBusy={run.isPending}
          onRun={() => run.mutate(one.name)}
          onRemove={() => keep(cases.toSpliced(place, 1))}
          onChange={(change, key) => keep(cases.with(place, pruned({ ...one, ...change })), `tests/${place}/${key}`)}
        />
      ))}
      <div className="flex flex-wrap items-center gap-2">
        {!readOnly && (
          <Button size="sm" onClick={add}>
            <Plus aria-hidden className="size-4" />
            {t("add")}
          </Button>
        )}
        {cases.length > 0 && (
          <Button size="sm" look="primary" busy={run.isPending} onClick={() => run.mutate(null)}>
            <FlaskConical aria-hidden className="size-4" />
            {t("run")}
          </Button>
        )}
      </div>
      {run.error !== null && <NotStarted error={run.error} />}
      {run.data !== undefined && <Outcome results={results} />}
    </div>
  );
}

function pruned(one: Case): Case {
  return Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)) as Case;
}

function freeName(cases: readonly Case[], stem: string): string {
  let number = cases.length + 1;
  while (cases.some(({ name }) => name === `${stem} ${number}`)) number += 1;
  return `${stem} ${number}`;
}

function useRunTests() {
  const store = useBuilderStore();
  const t = useTranslations("inspector.watch");
  return useMutation({
    mutationFn: async (name: string | null) => {
      await store.getState().flush();
      const { isReadOnly, saving, flowId } = store.getState();
      if (!isReadOnly && saving.phase !== "saved") throw new NotSaved(t("not_saved"));
      const flow_id = isReadOnly ? flowId : `${flowId}@draft`;
      return told(api.POST("/api/flows/{flow_id}/test", { params: { path: { flow_id } }, body: { case: name } }));
    },
  });
}

function Outcome({ results }: { results: readonly Result[] }) {
  const t = useTranslations("inspector.tests");
  const failed = results.filter(({ passed }) => !passed).length;
  return (
    <p role="status" className={failed > 0 ? "text-bad" : "text-good"}>
      {failed > 0 ? t("some_failed", { failed: String(failed), count: String(results.length) }) : t("all_passed", { count: results.length })}
    </p>
  );
}

interface CaseProps {
  at: number;
  value: Case;
  readOnly: boolean;
  result: Result | undefined;
  isBusy: boolean;
  onRun: () => void;
  onRemove: () => void;
  onChange: (change: Partial<Case>, key: string) => void;
}

function OneCase({ at, value, readOnly, result, isBusy, onRun, onRemove, onChange }: CaseProps) {
  const t = useTranslations("inspector.tests");
  const problems = useProblemsAt("flow");
  const wrong = (...rest: string[]) => said(problems, "tests", [String(at), ...rest]);
  const whole = wrong();
  return (
    <Fold className="rounded-md border border-line" mustShow={value.prompt === "" || whole !== undefined}>
      <summary className="flex items-center gap-2 px-3 py-2">
        <span className="min-w-0 flex-1 truncate font-medium">{value.name}</span>
        {value.answers === undefined || value.answers === null ? <Badge tone="warn">{t("real")}</Badge> : null}
        {result !== undefined && <Badge tone={result.passed ? "good" : "bad"}>{t(result.passed ? "passed" : "failed")}</Badge>}
      </summary>
      <div className="flex flex-col gap-3 border-t border-line p-3">
        {result !== undefined && !result.passed && <Failure result={result} />}
        <TextField label={t("name")} value={value.name} readOnly={readOnly} error={wrong("name")} onChange={({ target }) => onChange({ name: target.value }, "name")} />
        <TextArea label={t("prompt")} rows={2} value={value.prompt} readOnly={readOnly} error={wrong("prompt")} onChange={({ target }) => onChange({ prompt: target.value }, "prompt")} />
        <JsonField label={t("answers")} hint={t("answers_help")} isObject value={value.answers} readOnly={readOnly} error={wrong("answers")} onChange={(answers) => onChange({ answers }, "answers")} />
        <JsonField label={t("people")} hint={t("people_help")} isObject rows={2} value={value.people} readOnly={readOnly} error={wrong("people")} onChange={(people) => onChange({ people }, "people")} />
        <ListField<Expectation>
          label={t("expect")}
          items={value.expect ?? []}
          most={100}
          empty={{ value: "answer", op: "contains", than: "" }}
          readOnly={readOnly}
          error={wrong("expect")}
          onChange={(expect) => onChange({ expect: expect ?? [] }, "expect")}
        >
          {(item, change, label) => <Expected item={item} label={label} readOnly={readOnly} onChange={change} />}
        </ListField>
        <div className="flex flex-wrap gap-2">
          <Button size="sm" disabled={isBusy} onClick={onRun}>
            {t("run_one")}
          </Button>
          {!readOnly && (
            <IconButton size="sm" look="danger" label={t("delete")} onClick={onRemove}>
              <Trash2 aria-hidden className="size-4" />
            </IconButton>
          )}
        </div>
      </div>
    </Fold>
  );
}

function Expected({ item, label, readOnly, onChange }: { item: Expectation; label: string; readOnly: boolean; onChange: (item: Expectation) => void }) {
  const t = useTranslations("inspector.tests");
  const te = useTranslations("inspector.edge");
  return (
    <div role="group" aria-label={label} className="grid grid-cols-[1fr_1fr_1fr] gap-1">
      <TextField hideLabel label={t("expect_value")} value={item.value} readOnly={readOnly} onChange={({ target }) => onChange({ ...item, value: target.value })} />
      <Select hideLabel label={te("op")} value={item.op} disabled={readOnly} onChange={({ target }) => onChange({ ...item, op: target.value as Op })}>
        {opsFor("any").map((op) => (
          <option key={op} value={op}>
            {te(`ops.${OP_NAMES[op]}`)}
          </option>
        ))}
      </Select>
      <ThanField hideLabel op={item.op} value={item.than} type={typeOf(item.value)} readOnly={readOnly} onChange={(than) => onChange({ ...item, than })} />
    </div>
  );
}

/** What a run is asked for: its texts are texts, whatever they look like. */
function typeOf(value: string): "text" | "any" {
  return ["answer", "draft", "status"].includes(value) || value.endsWith(".text") ? "text" : "any";
}

function Failure({ result: { problem, differences = [], status, seconds } }: { result: Result }) {
  const t = useTranslations("inspector.tests");
  const figures = useFigures();
  return (
    <div role="alert" className="flex flex-col gap-1 rounded-md bg-bad-soft px-3 py-2 text-sm">
      {problem !== null && problem !== undefined && <p>{problem}</p>}
      {differences.map(({ value, op, expected, found }) => (
        <p key={`${value} ${op}`} className="break-words">
          {t("found", { value, expected: `${op} ${written(expected)}`, found: written(found) })}
        </p>
      ))}
      <p className="text-xs text-soft">
        {status} · {figures.seconds(seconds)}
      </p>
    </div>
  );
}
