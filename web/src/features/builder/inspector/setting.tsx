"use client";

// One setting of a node, in the control that fits it.
import { useTranslations } from "use-intl";
import { Checkbox, Select, TextArea, TextField } from "@/shared/ui/field";
import type { Text } from "../document";
import { useIsChecked, useNamesAt } from "../problems/checks";
import { said, type PlacedProblem } from "../problems/places";
import { PromptEditor } from "../prompt/editor";
import { Words } from "../prompt/words";
import type { Kind } from "./kinds";
import type { Control, Setting } from "./controls";
import { useLabels } from "./labels";
import { FieldPick, FlowPick, ModelPick, NodePick, NodesPick, Pick, StrategyPick } from "./pickers";
import { ToolArguments, useTakes } from "./tool-arguments";
import { JsonField, ListField, NumberField, TextsByName } from "./values";

export interface SettingProps {
  node: string;
  kind: Kind;
  setting: Setting;
  value: unknown;
  problems: readonly PlacedProblem[];
  readOnly: boolean;
  /** Undefined takes it out of the document. */
  onChange: (value: unknown) => void;
}

/** What every control is told. */
interface Told {
  label: string;
  hint: string;
  error: string | undefined;
  readOnly: boolean;
}

/** Controls that want the whole width. */
const WIDE: readonly Control["is"][] = ["prompt", "words", "list", "prompts", "group", "schema", "json", "nodes", "sources", "flow", "tool", "model"];

export function isWide({ control }: Setting): boolean {
  return WIDE.includes(control.is);
}

export function SettingField(props: SettingProps) {
  const { setting, problems, readOnly } = props;
  const labels = useLabels();
  const told = { label: labels.label(setting.name), hint: labels.help(setting.name), error: said(problems, setting.name), readOnly };
  switch (setting.control.is) {
    case "prompt":
    case "words":
    case "prompts":
    case "list":
      return <TextSetting {...props} told={told} />;
    case "group":
      return <GroupSetting {...props} told={told} />;
    case "schema":
    case "json":
      return <JsonField {...told} value={props.value} isObject={setting.control.is === "schema"} {...(setting.control.is === "schema" && { example: EXAMPLE })} onChange={props.onChange} />;
    case "nodes":
    case "sources":
    case "field":
      return <NodesSetting {...props} told={told} />;
    default:
      return <PlainSetting {...props} told={told} />;
  }
}

const EXAMPLE = { type: "object", properties: { verdict: { type: "string" }, score: { type: "integer", minimum: 0, maximum: 10 } }, required: ["verdict", "score"] };

function PlainSetting(props: SettingProps & { told: Told }) {
  const { setting, value, onChange, kind, told } = props;
  const { control, name } = setting;
  const text = typeof value === "string" ? value : "";
  const pick = (next: string) => onChange(next === "" ? undefined : next);
  const offered = kind.offers[name];
  if (offered !== undefined) return <OfferedSetting {...told} offered={offered} standard={setting.standard} value={text} onChange={pick} />;
  switch (control.is) {
    case "model":
      return <ModelPick {...told} value={text} onChange={pick} />;
    case "strategy":
      return <StrategyPick {...told} value={text} onChange={pick} />;
    case "flow":
      return <FlowPick {...told} value={text} onChange={pick} />;
    case "choice":
      return <ChoiceSetting {...told} options={control.options} value={text} standard={setting.standard} onChange={pick} />;
    default:
      return <ValueSetting {...props} />;
  }
}

function ValueSetting({ setting, value, onChange, told }: SettingProps & { told: Told }) {
  const t = useTranslations("inspector.control");
  const { control, standard } = setting;
  const { label, error, readOnly, hint } = told;
  const hinted = hint === "" ? {} : { hint };
  if (control.is === "flag") {
    const isOn = typeof value === "boolean" ? value : standard === true;
    const set = (next: boolean) => onChange(next === standard ? undefined : next);
    return <Checkbox label={label} {...hinted} checked={isOn} disabled={readOnly} onChange={({ target }) => set(target.checked)} />;
  }
  if (control.is === "number") {
    const placeholder = standard === null ? t("nothing") : String(standard);
    return <NumberField {...told} control={control} value={value} placeholder={placeholder} onChange={onChange} />;
  }
  const placeholder = typeof standard === "string" ? standard : "";
  return (
    <TextField
      label={label}
      {...hinted}
      error={error}
      readOnly={readOnly}
      value={typeof value === "string" ? value : ""}
      placeholder={placeholder}
      onChange={({ target }) => onChange(target.value === "" ? undefined : target.value)}
    />
  );
}

interface OfferedProps extends Told {
  offered: Kind["offers"][string];
  standard: unknown;
  value: string;
  onChange: (value: string) => void;
}

/** Something registered, such as a tool: what it is and what it takes stands below. */
function OfferedSetting({ offered, standard, value, onChange, ...told }: OfferedProps) {
  const t = useTranslations("inspector.control");
  const labels = useLabels();
  const shown = value === "" && typeof standard === "string" ? standard : value;
  const chosen = offered.find((one) => one.name === shown);
  const takes = Object.keys((chosen?.takes["properties"] as object | undefined) ?? {});
  const hint = [offered.length === 0 ? t("no_tools") : chosen?.about || told.hint, takes.length > 0 && t("takes", { names: takes.join(", ") })];
  const options = offered.map((one) => ({ value: one.name, label: labels.option(one.name) }));
  return <Pick {...told} hint={hint.filter(Boolean).join(" ")} value={shown} options={options} onChange={onChange} />;
}

interface ChoiceProps extends Told {
  options: readonly string[];
  value: string;
  standard: unknown;
  onChange: (value: string) => void;
}

function ChoiceSetting({ options, value, standard, onChange, label, hint, error, readOnly }: ChoiceProps) {
  const t = useTranslations("inspector.control");
  const labels = useLabels();
  return (
    <Select label={label} {...(hint && { hint })} error={error} disabled={readOnly} value={value} onChange={({ target }) => onChange(target.value)}>
      {(typeof standard === "string" || value === "") && (
        <option value="">{typeof standard === "string" ? t("standard", { value: labels.option(standard) }) : t("choose")}</option>
      )}
      {options.filter((option) => option !== standard || option === value).map((option) => (
        <option key={option} value={option}>
          {labels.option(option)}
        </option>
      ))}
    </Select>
  );
}

function TextSetting(props: SettingProps & { told: Told }) {
  const { setting, value, onChange, told, node } = props;
  const { control } = setting;
  const takes = useTakes(node, props.kind);
  if (control.is === "prompt" || control.is === "words") {
    return (
      <Words label={told.label} value={value as Text | undefined} onChange={onChange} readOnly={told.readOnly}>
        {(one) => <OneText {...props} value={one.value} language={one.language} onText={one.onChange} />}
      </Words>
    );
  }
  if (control.is === "prompts") {
    if (takes !== null) return <ToolArguments {...told} node={node} takes={takes} values={(value ?? {}) as Record<string, unknown>} problems={props.problems} onChange={onChange} />;
    return (
      <TextsByName {...told} values={(value ?? {}) as Record<string, unknown>} most={control.most} onChange={onChange}>
        {(text, change, name) => <Prompt node={node} {...told} hint="" error={said(props.problems, setting.name, [name])} label={name} value={text} rows={2} onChange={change} />}
      </TextsByName>
    );
  }
  if (control.is !== "list") return null;
  const items = (Array.isArray(value) ? value : []) as readonly Text[];
  return (
    <ListField<Text> {...told} items={items} most={control.most} empty="" onChange={onChange}>
      {(item, change, label) => {
        if (control.of === "model") return <ModelPick label={label} hideLabel value={String(item)} readOnly={told.readOnly} onChange={change} />;
        const field = (text: string, type: (text: string) => void) => (
          <TextField hideLabel label={label} readOnly={told.readOnly} value={text} onChange={({ target }) => type(target.value)} />
        );
        if (control.of === "text") return field(String(item), change);
        return (
          <Words label={label} value={item} readOnly={told.readOnly} onChange={(next) => change(next ?? "")}>
            {(one) => field(one.value, one.onChange)}
          </Words>
        );
      }}
    </ListField>
  );
}

function OneText({ node, setting, told, value, language, onText, problems }: SettingProps & { told: Told; value: string; language: string | null; onText: (value: string) => void }) {
  const error = language === null ? told.error : said(problems, setting.name, [language]);
  if (setting.control.is === "prompt") return <Prompt node={node} {...told} error={error} value={value} rows={setting.name === "prompt" ? 6 : 3} onChange={onText} />;
  const { label, readOnly, hint } = told;
  return <TextArea label={label} rows={2} error={error} readOnly={readOnly} {...(hint && { hint })} value={value} onChange={({ target }) => onText(target.value)} />;
}

function Prompt({ node, ...more }: Told & { node: string; value: string; rows: number; onChange: (value: string) => void }) {
  const names = useNamesAt(node);
  const isChecked = useIsChecked(node);
  return <PromptEditor {...more} names={names} isChecked={isChecked} />;
}

function NodesSetting({ node, setting, value, onChange, told }: SettingProps & { told: Told }) {
  const t = useTranslations("inspector.control");
  const { control } = setting;
  const one = typeof value === "string" ? value : "";
  const pick = (next: string) => onChange(next === "" ? undefined : next);
  const none = setting.isRequired ? undefined : t("previous");
  if (control.is === "field") return <FieldPick {...told} node={node} type="list" value={one} none={t("nothing")} onChange={pick} />;
  if (control.is === "nodes" && !control.isMany) return <NodePick {...told} node={node} value={one} {...(none !== undefined && { none })} onChange={pick} />;
  const many = Array.isArray(value) ? (value as readonly string[]) : one === "" ? [] : [one];
  const keep = (next: readonly string[]) => onChange(next.length === 0 ? undefined : control.is === "sources" && next.length === 1 ? next[0] : next);
  if (control.is === "nodes") return <NodesPick {...told} node={node} values={many} onChange={keep} />;
  return (
    <ListField<string> {...told} items={many.length === 0 ? [""] : many} most={null} empty="" onChange={(next) => keep((next ?? []).filter((item, at, all) => item !== "" || at === all.length - 1))}>
      {(item, change, label) => <FieldPick hideLabel texts node={node} label={label} readOnly={told.readOnly} value={item} onChange={change} />}
    </ListField>
  );
}

function GroupSetting({ setting, value, onChange, told, ...more }: SettingProps & { told: Told }) {
  const t = useTranslations("inspector.control");
  if (setting.control.is !== "group") return null;
  const now = (value ?? null) as Record<string, unknown> | null;
  const set = (name: string, next: unknown) => {
    const kept = Object.entries({ ...now, [name]: next }).filter(([, one]) => one !== undefined);
    onChange(Object.fromEntries(kept));
  };
  return (
    <fieldset className="flex min-w-0 flex-col gap-2 rounded-md border border-line p-3">
      <legend className="px-1 text-sm font-medium">{told.label}</legend>
      <Checkbox label={t("on")} hint={told.hint} disabled={told.readOnly} checked={now !== null} onChange={({ target }) => onChange(target.checked ? {} : undefined)} />
      {now !== null &&
        setting.control.settings.map((one) => (
          <SettingField key={one.name} {...more} setting={one} value={now[one.name]} onChange={(next) => set(one.name, next)} />
        ))}
      {told.error !== undefined && <p className="text-sm text-bad">{told.error}</p>}
    </fieldset>
  );
}
