"use client";

// What a flow says beside its nodes and edges: names, what it is given, where its answer comes from, its limits.
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button, IconButton } from "@/shared/ui/button";
import { TextArea, TextField } from "@/shared/ui/field";
import { changeFlow, isName, takenNames, type FlowDoc, type Text } from "../document";
import { NumberField } from "../inspector/values";
import { Pick } from "../inspector/pickers";
import { useProblemsAt } from "../problems/checks";
import { said, type PlacedProblem } from "../problems/places";
import { Words } from "../prompt/words";
import { flowNow, useBuilder, useBuilderStore } from "../store";

type FlowChange = Partial<Record<"name" | "description" | "inputs" | "limits" | "answer" | "draft", unknown>>;

interface PartProps {
  flow: FlowDoc;
  readOnly: boolean;
  problems: readonly PlacedProblem[];
  set: (change: FlowChange, key: string) => void;
}

export function FlowSettings() {
  const flow = useBuilder(flowNow);
  const readOnly = useBuilder((state) => state.isReadOnly);
  const store = useBuilderStore();
  const problems = useProblemsAt("flow");
  const set = (change: FlowChange, key: string) => store.getState().edit((now) => changeFlow(now, change as Partial<FlowDoc>), `flow/${key}`);
  const part = { flow, readOnly, problems, set };
  return (
    <div className="flex flex-col gap-4">
      <Named {...part} />
      <Ends {...part} />
      <Inputs {...part} />
      <Limits {...part} />
    </div>
  );
}

function Named({ flow, readOnly, problems, set }: PartProps) {
  const t = useTranslations("inspector.flow");
  return (
    <>
      <Words label={t("name")} value={flow.name} readOnly={readOnly} onChange={(name) => set({ name: name ?? "" }, "name")}>
        {(one) => <TextField label={t("name")} value={one.value} readOnly={readOnly} error={said(problems, "name")} onChange={({ target }) => one.onChange(target.value)} />}
      </Words>
      <Words label={t("description")} value={flow.description} readOnly={readOnly} onChange={(description) => set({ description }, "description")}>
        {(one) => <TextArea label={t("description")} rows={2} value={one.value} readOnly={readOnly} error={said(problems, "description")} onChange={({ target }) => one.onChange(target.value)} />}
      </Words>
    </>
  );
}

/** Which texts are the answer and the draft. */
function Ends({ flow, readOnly, problems, set }: PartProps) {
  const t = useTranslations("inspector.flow");
  const nodes = flow.nodes.map(({ id }) => ({ value: id, label: id }));
  const pick = (name: "answer" | "draft") => (value: string) => set({ [name]: value === "" ? undefined : value }, name);
  return (
    <div className="flex flex-col gap-3">
      <Pick label={t("answer")} none={t("answer_last")} options={nodes} value={flow.answer ?? ""} readOnly={readOnly} error={said(problems, "answer")} onChange={pick("answer")} />
      <Pick label={t("draft")} none={t("draft_none")} options={nodes} value={flow.draft ?? ""} readOnly={readOnly} error={said(problems, "draft")} onChange={pick("draft")} />
    </div>
  );
}

type Inputs = NonNullable<FlowDoc["inputs"]>;

function Inputs({ flow, readOnly, problems, set }: PartProps) {
  const t = useTranslations("inspector.flow");
  const tn = useTranslations("inspector.node");
  const tc = useTranslations("inspector.control");
  const [name, setName] = useState("");
  const inputs: Inputs = flow.inputs ?? {};
  const others = Object.entries(inputs).filter(([one]) => one !== "user_input");
  const keep = (next: Inputs) => set({ inputs: Object.keys(next).length === 0 ? undefined : next }, "inputs");
  const wrong = name === "" ? undefined : !isName(name) ? tn("id_wrong") : takenNames(flow).has(name) || name === "user_input" ? tn("id_taken") : undefined;
  const add = () => {
    if (name === "" || wrong !== undefined) return;
    const question = inputs["user_input"] === undefined ? { user_input: {} } : {};
    keep({ ...question, ...inputs, [name]: { default: "" } });
    setName("");
  };
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="text-sm font-semibold">{t("inputs")}</legend>
      <p className="text-xs text-soft">{t("inputs_help")}</p>
      {others.map(([id, given]) => {
        const change = (next: { description?: Text | undefined; default?: string | null | undefined }) =>
          keep({ ...inputs, [id]: Object.fromEntries(Object.entries({ ...given, ...next }).filter(([, one]) => one !== undefined)) });
        return (
          <div key={id} className="flex flex-col gap-2 rounded-md border border-line p-2">
            <div className="flex items-center justify-between gap-2">
              <code className="min-w-0 truncate font-mono text-sm">{id}</code>
              {!readOnly && (
                <IconButton size="sm" label={tc("remove", { name: id })} onClick={() => keep(Object.fromEntries(Object.entries(inputs).filter(([other]) => other !== id)))}>
                  <Trash2 aria-hidden className="size-4" />
                </IconButton>
              )}
            </div>
            <Words label={t("input_description")} value={given.description} readOnly={readOnly} onChange={(description) => change({ description })}>
              {(one) => <TextField label={t("input_description")} value={one.value} readOnly={readOnly} onChange={({ target }) => one.onChange(target.value)} />}
            </Words>
            <TextField
              label={t("input_default")}
              placeholder={t("input_required")}
              value={given.default ?? ""}
              readOnly={readOnly}
              error={said(problems, "inputs", [id])}
              onChange={({ target }) => change({ default: target.value === "" ? undefined : target.value })}
            />
          </div>
        );
      })}
      {!readOnly && (
        <div className="flex items-end gap-1">
          <TextField label={t("input_name")} className="min-w-0 flex-1" value={name} error={wrong} onChange={({ target }) => setName(target.value)} onKeyDown={(event) => event.key === "Enter" && add()} />
          <Button onClick={add} disabled={name === "" || wrong !== undefined} aria-label={t("input_add")}>
            <Plus aria-hidden className="size-4" />
            {tc("add")}
          </Button>
        </div>
      )}
    </fieldset>
  );
}

const LIMITS = [
  ["max_steps", { is: "number", isWhole: true, min: 1, max: 10_000, isOver: false }, 50],
  ["max_cost_usd", { is: "number", isWhole: false, min: 0, max: null, isOver: false }, null],
  ["max_tokens", { is: "number", isWhole: true, min: 1, max: null, isOver: false }, null],
  ["timeout_s", { is: "number", isWhole: false, min: 0, max: 86_400, isOver: true }, 900],
  ["max_parallel", { is: "number", isWhole: true, min: 1, max: 64, isOver: false }, 4],
] as const;

function Limits({ flow, readOnly, problems, set }: PartProps) {
  const t = useTranslations("inspector.flow");
  const limits = flow.limits ?? {};
  const keep = (name: string, value: number | undefined) => {
    const next = Object.fromEntries(Object.entries({ ...limits, [name]: value }).filter(([, one]) => one !== undefined));
    set({ limits: Object.keys(next).length === 0 ? undefined : next }, `limits/${name}`);
  };
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="mb-1 text-sm font-semibold">{t("limits")}</legend>
      <div className="grid grid-cols-2 items-start gap-3">
        {LIMITS.map(([name, control, standard]) => (
          <NumberField
            key={name}
            label={t(name)}
            control={control}
            value={limits[name] ?? undefined}
            placeholder={standard === null ? t("no_limit") : String(standard)}
            readOnly={readOnly}
            error={said(problems, "limits", [name])}
            onChange={(value) => keep(name, value)}
          />
        ))}
      </div>
      <Most />
    </fieldset>
  );
}

/** What the checks say that a run may take at the most. */
function Most() {
  const t = useTranslations("inspector.flow");
  const scope = useBuilder((state) => state.checked?.verdict.scope ?? null);
  if (scope === null) return null;
  const { turns, calls } = scope;
  return <p className="text-xs text-soft">{calls === null || calls === undefined ? t("most_turns", { turns }) : t("most", { turns, calls })}</p>;
}
