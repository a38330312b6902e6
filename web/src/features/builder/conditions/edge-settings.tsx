"use client";

// When an edge is taken: always, on a comparison, or otherwise; and how often, where it leads back.
import { Trash2 } from "lucide-react";
import { useTranslations } from "use-intl";
import { Button } from "@/shared/ui/button";
import { Select, Segmented } from "@/shared/ui/field";
import { changeEdge, closesLoop, edgeOf, removeEdges, type Condition, type EdgeDoc } from "../document";
import { NumberField } from "../inspector/values";
import { fieldsFor, type BoundName } from "../prompt/names";
import { useProblemsAt, useScope } from "../problems/checks";
import { said, type PlacedProblem } from "../problems/places";
import { flowNow, useBuilder, useBuilderStore } from "../store";
import { firstValue, opsFor, type Op } from "./condition";
import { ThanField } from "./than-field";

type Taken = "always" | "when" | "otherwise";
const OP_NAMES = { "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", in: "in", contains: "contains" } as const;
const ROUNDS = { is: "number", isWhole: true, min: 1, max: 50, isOver: false } as const;

export function EdgeSettings({ id }: { id: string }) {
  const t = useTranslations("inspector.edge");
  const flow = useBuilder(flowNow);
  const readOnly = useBuilder((state) => state.isReadOnly);
  const store = useBuilderStore();
  const problems = useProblemsAt("edge", id);
  const edge = edgeOf(flow, id);
  if (edge === undefined) return null;
  const change = (next: Partial<Record<keyof EdgeDoc, unknown>>, key?: string) =>
    store.getState().edit((now) => changeEdge(now, id, next as Partial<EdgeDoc>), key && `edge/${id}/${key}`);
  const leadsBack = typeof edge.max_rounds === "number" || closesLoop({ ...flow, edges: flow.edges.filter((one) => one !== edge) }, edge.from, edge.to);
  return (
    <div className="flex flex-col gap-4">
      <Choice edge={edge} readOnly={readOnly} problems={problems} onChange={change} />
      {leadsBack && (
        <NumberField
          label={t("rounds")}
          hint={t("rounds_help")}
          placeholder={t("rounds_none")}
          value={edge.max_rounds ?? undefined}
          control={ROUNDS}
          readOnly={readOnly}
          error={said(problems, "max_rounds")}
          onChange={(max_rounds) => change({ max_rounds }, "max_rounds")}
        />
      )}
      <Rest problems={problems} />
      {!readOnly && (
        <Button look="danger" size="sm" className="w-fit" onClick={() => store.getState().edit((now) => removeEdges(now, new Set([id])))}>
          <Trash2 aria-hidden className="size-4" />
          {t("delete")}
        </Button>
      )}
    </div>
  );
}

interface ChoiceProps {
  edge: EdgeDoc;
  readOnly: boolean;
  problems: readonly PlacedProblem[];
  onChange: (change: Partial<Record<keyof EdgeDoc, unknown>>, key?: string) => void;
}

function Choice({ edge, readOnly, problems, onChange }: ChoiceProps) {
  const t = useTranslations("inspector.edge");
  const scope = useScope();
  const fields = scope === null ? [] : fieldsFor(scope, edge.from);
  const taken: Taken = edge.when ? "when" : edge.otherwise === true ? "otherwise" : "always";
  const choose = (next: Taken) => {
    const [first] = fields.filter(({ type }) => type === "boolean").concat(fields);
    const when = first === undefined ? { value: "", op: "==", than: true } : { value: first.name, op: opsFor(first.type)[0], than: firstValue(first.type) };
    onChange({ when: next === "when" ? (edge.when ?? when) : undefined, otherwise: next === "otherwise" ? true : undefined });
  };
  return (
    <>
      <fieldset disabled={readOnly} className="flex flex-col gap-1">
        <Segmented<Taken>
          label={t("taken")}
          value={taken}
          options={[
            { value: "always", label: t("always") },
            { value: "when", label: t("when") },
            { value: "otherwise", label: t("otherwise") },
          ]}
          onChange={choose}
        />
        <p className="text-xs text-soft">{t(`${taken}_help`, { from: edge.from })}</p>
      </fieldset>
      {edge.when && <Comparison condition={edge.when} fields={fields} readOnly={readOnly} problems={problems} onChange={(when) => onChange({ when }, "when")} />}
    </>
  );
}

interface ComparisonProps {
  condition: Condition;
  fields: readonly BoundName[];
  readOnly: boolean;
  problems: readonly PlacedProblem[];
  onChange: (condition: Condition) => void;
}

function Comparison({ condition, fields, readOnly, problems, onChange }: ComparisonProps) {
  const t = useTranslations("inspector.edge");
  const chosen = fields.find(({ name }) => name === condition.value);
  const type = chosen?.type ?? "any";
  const choose = (value: string) => {
    const next = fields.find(({ name }) => name === value)?.type ?? "any";
    const fits = next === type || opsFor(next).includes(condition.op as Op);
    const than = typeof condition.than === typeof firstValue(next) ? condition.than : firstValue(next);
    onChange({ value, op: fits ? condition.op : (opsFor(next)[0] ?? "=="), than });
  };
  return (
    <div className="flex flex-col gap-3">
      <Select label={t("value")} value={condition.value} disabled={readOnly} error={said(problems, "when", ["value"])} {...(chosen?.about && { hint: chosen.about })} onChange={({ target }) => choose(target.value)}>
        {chosen === undefined && <option value={condition.value}>{condition.value || t("value_none")}</option>}
        {fields.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </Select>
      <div className="grid grid-cols-2 items-start gap-3">
        <Select label={t("op")} value={condition.op} disabled={readOnly} error={said(problems, "when", ["op"])} onChange={({ target }) => onChange({ ...condition, op: target.value })}>
          {opsFor(type, condition.op as Op).map((op) => (
            <option key={op} value={op}>
              {t(`ops.${OP_NAMES[op]}`)}
            </option>
          ))}
        </Select>
        <Than condition={condition} type={type} readOnly={readOnly} error={said(problems, "when", ["than"])} onChange={onChange} />
      </div>
    </div>
  );
}

function Than({ condition, type, readOnly, error, onChange }: { condition: Condition; type: string; readOnly: boolean; error: string | undefined; onChange: (condition: Condition) => void }) {
  const t = useTranslations("inspector.edge");
  if (type === "boolean" && typeof condition.than === "boolean") {
    return (
      <Select label={t("than")} value={String(condition.than)} disabled={readOnly} error={error} onChange={({ target }) => onChange({ ...condition, than: target.value === "true" })}>
        <option value="true">{t("yes")}</option>
        <option value="false">{t("no")}</option>
      </Select>
    );
  }
  return <ThanField op={condition.op as Op} value={condition.than} type={type} readOnly={readOnly} error={error} onChange={(than) => onChange({ ...condition, than })} />;
}

/** What is wrong with the edge and belongs to none of its fields. */
function Rest({ problems }: { problems: readonly PlacedProblem[] }) {
  const rest = problems.filter(({ place }) => !["max_rounds"].includes(place.setting) && !(place.setting === "when" && ["value", "op", "than"].includes(place.rest[0] ?? "")));
  if (rest.length === 0) return null;
  return (
    <ul role="alert" className="flex flex-col gap-1 rounded-md bg-bad-soft px-3 py-2 text-sm">
      {rest.map(({ key, message }) => (
        <li key={key}>{message}</li>
      ))}
    </ul>
  );
}
