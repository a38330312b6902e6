"use client";

// What narrows the list down.
import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { SlidersHorizontal, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { flowsQuery, modelsQuery } from "@/shared/api/endpoints";
import { inLanguage } from "@/shared/flow/text";
import { Button } from "@/shared/ui/button";
import { Select, TextField } from "@/shared/ui/field";
import { crossedFields, EVERYTHING, type Filter, FURTHER, searchOf, STATUSES, wrongFields } from "./filter";

const QUIET_MS = 250;

interface FiltersProps {
  filter: Filter;
  onChange: (part: Partial<Filter>) => void;
}

export function Filters({ filter, onChange }: FiltersProps) {
  const t = useTranslations("runs");
  const count = FURTHER.filter((name) => filter[name] !== "").length;
  const [isOpen, setOpen] = useState(count > 0);
  const shown = isOpen || count > 0;
  return (
    <search aria-label={t("filters")} className="mb-3 flex flex-col gap-2">
      <div className="grid grid-cols-2 gap-2 md:grid-cols-[minmax(12rem,1fr)_repeat(3,minmax(0,11rem))_auto]">
        <Typed name="q" label={t("search")} className="col-span-2 md:col-span-1" {...{ filter, onChange }} />
        <FlowSelect filter={filter} onChange={onChange} />
        <StatusSelect filter={filter} onChange={onChange} />
        <ModelSelect filter={filter} onChange={onChange} />
        <Button aria-expanded={shown} onClick={() => setOpen(!shown)} disabled={count > 0} className="md:self-end">
          <SlidersHorizontal aria-hidden className="size-4" />
          {count > 0 ? t("further_count", { count }) : t("further")}
        </Button>
      </div>
      {shown && <Further filter={filter} onChange={onChange} />}
      {filter.parent !== "" && (
        <p className="w-fit max-w-full truncate rounded-md bg-accent-soft px-2 py-0.5 text-sm text-accent">
          {t("forks_of", { run: filter.parent })}
        </p>
      )}
      {searchOf(filter) !== "" && <Clear onChange={onChange} className="self-start md:hidden" />}
    </search>
  );
}

function FlowSelect({ filter, onChange }: FiltersProps) {
  const t = useTranslations("runs");
  const locale = useLocale();
  const flows = useQuery(flowsQuery).data?.flows ?? [];
  const isKnown = filter.flow === "" || flows.some(({ id }) => id === filter.flow);
  return (
    <Select label={t("flow")} hideLabel value={filter.flow} onChange={(event) => onChange({ flow: event.target.value })}>
      <option value="">{t("all_flows")}</option>
      {!isKnown && <option value={filter.flow}>{filter.flow}</option>}
      {flows.map(({ id, name }) => (
        <option key={id} value={id}>
          {inLanguage(name, locale) || id}
        </option>
      ))}
    </Select>
  );
}

function StatusSelect({ filter, onChange }: FiltersProps) {
  const t = useTranslations();
  return (
    <Select label={t("runs.status")} hideLabel value={filter.status} onChange={(event) => onChange({ status: event.target.value })}>
      <option value="">{t("runs.all_statuses")}</option>
      {STATUSES.map((status) => (
        <option key={status} value={status}>
          {t(`common.status.${status}`)}
        </option>
      ))}
    </Select>
  );
}

function ModelSelect({ filter, onChange }: FiltersProps) {
  const t = useTranslations("runs");
  const models = useQuery(modelsQuery).data?.models ?? [];
  const isKnown = filter.model === "" || models.some(({ key }) => key === filter.model);
  return (
    <Select
      label={t("model")}
      hideLabel
      className="col-span-1"
      value={filter.model}
      onChange={(event) => onChange({ model: event.target.value })}
    >
      <option value="">{t("all_models")}</option>
      {!isKnown && <option value={filter.model}>{filter.model}</option>}
      {models.map(({ key }) => (
        <option key={key} value={key}>
          {key}
        </option>
      ))}
    </Select>
  );
}

function Further({ filter, onChange }: FiltersProps) {
  const t = useTranslations("runs");
  const wrong = wrongFields(filter);
  const crossed: readonly (keyof Filter)[] = crossedFields(filter);
  const error = (name: keyof Filter, sentence: string, crossedSentence: string) =>
    wrong.includes(name) ? sentence : crossed.includes(name) ? crossedSentence : undefined;
  return (
    <div className="grid grid-cols-2 gap-2 md:grid-cols-5">
      {(["cost_from", "cost_to"] as const).map((name) => (
        <Typed key={name} name={name} label={t(name)} showLabel error={error(name, t("cost_wrong"), t("cost_crossed"))} {...{ filter, onChange }} />
      ))}
      {(["since", "until"] as const).map((name) => (
        <TextField
          key={name}
          type="date"
          label={t(name)}
          value={filter[name]}
          error={error(name, t("date_wrong"), t("date_crossed"))}
          onChange={(event) => onChange({ [name]: event.target.value })}
        />
      ))}
      <Select
        label={t("trial")}
        className="col-span-2 md:col-span-1"
        value={filter.trial}
        onChange={(event) => onChange({ trial: event.target.value })}
      >
        <option value="">{t("trial_all")}</option>
        <option value="false">{t("trial_whole")}</option>
        <option value="true">{t("trial_node")}</option>
      </Select>
    </div>
  );
}

interface TypedProps extends FiltersProps {
  name: "q" | "cost_from" | "cost_to";
  label: string;
  showLabel?: boolean;
  error?: string | undefined;
  className?: string;
}

/** A field that is typed into: the list follows when the typing rests, or when the field is left. */
function Typed({ name, label, showLabel = false, error, className, filter, onChange }: TypedProps) {
  // What is typed and not sent yet. Sent when the field is left, it comes before whatever is pressed then, and not over it.
  const [draft, setDraft] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const send = (text: string) => {
    clearTimeout(timer.current);
    setDraft(null);
    onChange({ [name]: text });
  };
  const type = (text: string) => {
    setDraft(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => send(text), QUIET_MS);
  };
  return (
    <TextField
      type={name === "q" ? "search" : "text"}
      inputMode={name === "q" ? "search" : "decimal"}
      label={label}
      hideLabel={!showLabel}
      placeholder={showLabel ? "" : label}
      maxLength={200}
      value={draft ?? filter[name]}
      error={error}
      {...(className !== undefined && { className })}
      onChange={(event) => type(event.target.value)}
      onBlur={() => draft !== null && send(draft)}
    />
  );
}

/** The way back to everything, at the head of the page. Its place is kept while there is nothing to take back, so that nothing
 * moves; a small page has no such place to keep, and has it below its filters. */
export function ClearFilters({ filter, onChange }: FiltersProps) {
  return <Clear onChange={onChange} className={clsx("max-md:hidden", searchOf(filter) === "" && "invisible")} />;
}

function Clear({ onChange, className }: Pick<FiltersProps, "onChange"> & { className: string }) {
  const t = useTranslations("runs");
  return (
    <Button size="sm" look="quiet" className={className} onClick={() => onChange(EVERYTHING)}>
      <X aria-hidden className="size-3.5" />
      {t("clear")}
    </Button>
  );
}
