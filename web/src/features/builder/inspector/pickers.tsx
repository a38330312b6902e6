"use client";

// Choose among what there is: models, strategies, flows, nodes and their fields.
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useLocale, useTranslations } from "use-intl";
import { flowsQuery, modelsQuery, strategiesQuery, usableFirst } from "@/shared/api/endpoints";
import { useServerWords } from "@/shared/server-words";
import { useStrategyWords } from "@/shared/strategy-words";
import { inLanguage } from "@/shared/flow/text";
import { Select } from "@/shared/ui/field";
import { fieldsFor, nodesBefore } from "../prompt/names";
import { useScope } from "../problems/checks";
import { flowNow, useBuilder } from "../store";
import type { Named } from "./values";

export interface PickProps extends Named {
  value: string;
  hideLabel?: boolean;
  onChange: (value: string) => void;
}

/** `none`: what it means to choose nothing; without it there is such a choice only while nothing is chosen. */
interface OptionsProps extends PickProps {
  none?: string | undefined;
  options: readonly { value: string; label: string; isOff?: boolean }[];
}

/** What is chosen and gone since stays in sight: the server says what would do. */
export function Pick({ value, onChange, none, options, readOnly = false, label, hint, error, hideLabel = false }: OptionsProps) {
  const t = useTranslations("inspector.control");
  const isGone = value !== "" && !options.some((option) => option.value === value);
  return (
    <Select
      label={label}
      hideLabel={hideLabel}
      {...(hint !== undefined && hint !== "" && { hint })}
      error={error}
      value={value}
      disabled={readOnly}
      onChange={({ target }) => onChange(target.value)}
    >
      {(none !== undefined || value === "") && <option value="">{none ?? t("choose")}</option>}
      {isGone && <option value={value}>{t("model_gone", { name: value })}</option>}
      {options.map((option) => (
        <option key={option.value} value={option.value} disabled={option.isOff === true && option.value !== value}>
          {option.label}
        </option>
      ))}
    </Select>
  );
}

export function ModelPick(props: PickProps & { none?: string }) {
  const t = useTranslations("inspector.control");
  const { data } = useQuery(modelsQuery);
  const words = useServerWords();
  const options = usableFirst(data?.models ?? []).map(({ key, name, usable, why_not }) => ({
    value: key,
    label: usable ? (name === key ? key : `${key} · ${name}`) : t("not_usable", { name: key, why: words(why_not ?? "") ?? why_not ?? "" }),
    isOff: !usable,
  }));
  return <Pick {...props} none={props.none ?? t("model_flow")} options={options} />;
}

export function StrategyPick(props: PickProps) {
  const t = useTranslations("inspector.control");
  const { data } = useQuery(strategiesQuery);
  const words = useStrategyWords();
  const options = (data?.strategies ?? []).map((strategy) => ({ value: strategy.name, label: [strategy.name, words(strategy)].filter(Boolean).join(" · ") }));
  return <Pick {...props} none={t("strategy_own")} options={options} />;
}

export function FlowPick(props: PickProps) {
  const t = useTranslations("inspector.control");
  const language = useLocale();
  const own = useBuilder((state) => state.flowId);
  const { data } = useQuery(flowsQuery);
  const options = (data?.flows ?? []).filter(({ id }) => id !== own).map(({ id, name }) => ({ value: id, label: `${inLanguage(name, language)} · ${id}` }));
  const id = props.value.split("@")[0] ?? "";
  return (
    <div className="flex flex-col gap-1">
      <Pick {...props} options={options} />
      {options.some(({ value }) => value === id) && (
        <Link prefetch={false} href={`/flows/${id}`} className="flex min-h-6 w-fit items-center text-xs text-accent underline underline-offset-2">
          {t("open_flow")}
        </Link>
      )}
    </div>
  );
}

/** The nodes that another one can read: those before it first. */
export function useReadable(node: string): readonly string[] {
  const scope = useScope();
  const flow = useBuilder(flowNow);
  const before = scope === null ? { sure: [], maybe: [] } : nodesBefore(scope, node);
  const first = [...before.sure, ...before.maybe];
  return [...first, ...flow.nodes.map(({ id }) => id).filter((id) => !first.includes(id))].filter((id) => id !== node);
}

interface NodesProps extends Named {
  node: string;
  values: readonly string[];
  onChange: (values: readonly string[]) => void;
}

/** Several nodes, by check marks. */
export function NodesPick({ node, values, onChange, label, hint, error, readOnly = false }: NodesProps) {
  const t = useTranslations("inspector.control");
  const readable = useReadable(node);
  const all = [...readable, ...values.filter((one) => !readable.includes(one))];
  return (
    <fieldset className="flex min-w-0 flex-col gap-1">
      <legend className="mb-1 text-sm font-medium">{label}</legend>
      {all.length === 0 && <p className="text-xs text-soft">{t("nodes_none")}</p>}
      <div className="flex max-h-44 flex-col gap-0.5 overflow-y-auto">
        {all.map((id) => (
          <label key={id} className="flex min-h-6 items-center gap-2 font-mono text-sm">
            <input
              type="checkbox"
              className="size-4 accent-accent"
              disabled={readOnly}
              checked={values.includes(id)}
              onChange={({ target }) => onChange(target.checked ? [...values, id] : values.filter((one) => one !== id))}
            />
            {id}
          </label>
        ))}
      </div>
      {hint !== undefined && hint !== "" && <p className="text-xs text-soft">{hint}</p>}
      {error !== undefined && <p className="text-sm whitespace-pre-line text-bad">{error}</p>}
    </fieldset>
  );
}

/** One node. `none`: what it means to choose none. */
export function NodePick({ node, none, ...more }: PickProps & { node: string; none?: string }) {
  const readable = useReadable(node);
  return <Pick {...more} none={none} options={readable.map((value) => ({ value, label: value }))} />;
}

/** A field of a node before this one, or with `texts` also a node's whole text. */
export function FieldPick({ node, type, texts = false, none, ...more }: PickProps & { node: string; type?: string; texts?: boolean; none?: string }) {
  const scope = useScope();
  const readable = useReadable(node);
  const fields = (scope === null ? [] : fieldsFor(scope, node)).filter((one) => one.node !== node && (type === undefined || one.type === type || one.type === "any"));
  const named = fields.map(({ name, about }) => ({ value: name, label: about ? `${name} · ${about}` : name }));
  const whole = texts ? readable.map((id) => ({ value: id, label: id })) : [];
  return <Pick {...more} none={none} options={[...whole, ...named]} />;
}
