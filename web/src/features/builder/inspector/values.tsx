"use client";

// Fields whose text is not their value: numbers, JSON, lists. What is typed stays, also while it is none yet.
import { Plus, Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Button, IconButton } from "@/shared/ui/button";
import { TextArea, TextField } from "@/shared/ui/field";
import { goOn } from "@/shared/ui/go-on";
import { readNumber, type Control } from "./controls";

export interface Named {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  readOnly?: boolean;
}

/** What is typed, until the value is another one than what was made of it. */
export function useTyped<T>(value: T, write: (value: T) => string, isSame: (one: T, other: T) => boolean = Object.is) {
  const [typed, setTyped] = useState({ text: write(value), made: value });
  const isOld = !isSame(typed.made, value);
  if (isOld) setTyped({ text: write(value), made: value });
  return { text: isOld ? write(value) : typed.text, type: (text: string, made: T) => setTyped({ text, made }) };
}

interface NumberProps extends Named {
  value: unknown;
  control: Control & { is: "number" };
  placeholder?: string;
  onChange: (value: number | undefined) => void;
}

export function NumberField({ value, control, onChange, error, hint, placeholder, readOnly = false, label }: NumberProps) {
  const t = useTranslations("inspector.control");
  const now = typeof value === "number" ? value : undefined;
  const { text, type } = useTyped(now, (one) => (one === undefined ? "" : String(one)));
  const read = readNumber(text, control);
  const { min, max, isOver } = control;
  const range = isOver ? t("range_over", { min: String(min) }) : max !== null ? t("range_both", { min: String(min ?? 0), max: String(max) }) : t("range_min", { min: String(min ?? 0) });
  return (
    <TextField
      label={label}
      inputMode="decimal"
      value={text}
      readOnly={readOnly}
      {...(placeholder !== undefined && { placeholder })}
      {...(hint !== undefined && hint !== "" && { hint })}
      error={read === undefined ? t("not_a_number", { range }) : error}
      onChange={({ target }) => {
        const next = readNumber(target.value, control);
        type(target.value, next === undefined ? now : (next ?? undefined));
        if (next !== undefined) onChange(next ?? undefined);
      }}
    />
  );
}

interface JsonProps extends Named {
  value: unknown;
  isObject?: boolean;
  hideLabel?: boolean;
  rows?: number;
  /** Something to begin with, where there is nothing yet. */
  example?: unknown;
  onChange: (value: unknown) => void;
}

export function JsonField({ value, onChange, label, hint, error, isObject = false, hideLabel = false, rows = 5, example, readOnly = false }: JsonProps) {
  const t = useTranslations("inspector.control");
  const { text, type } = useTyped(value, written, (one, other) => written(one) === written(other));
  const read = readJson(text, isObject);
  const wrong = read.is === "broken" ? t("not_json", { reason: read.reason }) : read.is === "other" ? t("not_object") : error;
  const take = (next: string) => {
    const found = readJson(next, isObject);
    type(next, found.is === "value" ? found.value : value);
    if (found.is === "value") onChange(found.value);
  };
  return (
    <div data-group className="flex flex-col gap-1">
      <TextArea
        label={label}
        hideLabel={hideLabel}
        rows={rows}
        value={text}
        readOnly={readOnly}
        spellCheck={false}
        {...(hint !== undefined && hint !== "" && { hint })}
        error={wrong}
        className="[&_textarea]:font-mono [&_textarea]:text-sm"
        onChange={({ target }) => take(target.value)}
      />
      {text === "" && example !== undefined && !readOnly && (
        <Button size="sm" look="quiet" className="w-fit" onClick={(event) => goOn(event, () => take(written(example)))}>
          {t("schema_start")}
        </Button>
      )}
    </div>
  );
}

function written(value: unknown): string {
  return value === undefined || value === null ? "" : JSON.stringify(value, null, 2);
}

type ReadJson = { is: "value"; value: unknown } | { is: "broken"; reason: string } | { is: "other" };

function readJson(text: string, isObject: boolean): ReadJson {
  if (text.trim() === "") return { is: "value", value: undefined };
  try {
    const value: unknown = JSON.parse(text);
    const fits = !isObject || (typeof value === "object" && value !== null && !Array.isArray(value));
    return fits ? { is: "value", value } : { is: "other" };
  } catch (error) {
    return { is: "broken", reason: error instanceof Error ? error.message : "" };
  }
}

interface ListProps<T> extends Named {
  items: readonly T[];
  most: number | null;
  empty: T;
  onChange: (items: readonly T[] | undefined) => void;
  children: (item: T, change: (item: T) => void, label: string) => ReactNode;
}

/** One below the other, each with its field. An empty list is left out of the document. */
export function ListField<T>({ items, most, empty, onChange, label, hint, error, readOnly = false, children }: ListProps<T>) {
  const t = useTranslations("inspector.control");
  const keep = (next: readonly T[]) => onChange(next.length === 0 ? undefined : next);
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5">
      <legend className="mb-1 text-sm font-medium">{label}</legend>
      {items.map((item, place) => {
        const name = t("item", { name: label, number: String(place + 1) });
        return (
          <div key={place} className="flex items-start gap-1">
            <div className="min-w-0 flex-1">{children(item, (next) => keep(items.with(place, next)), name)}</div>
            {!readOnly && (
              <IconButton label={t("remove", { name })} onClick={(event) => goOn(event, () => keep(items.toSpliced(place, 1)))}>
                <Trash2 aria-hidden className="size-4" />
              </IconButton>
            )}
          </div>
        );
      })}
      {!readOnly && (most === null || items.length < most) && (
        <Button size="sm" look="quiet" className="w-fit" aria-label={t("add_to", { name: label })} onClick={() => keep([...items, empty])}>
          <Plus aria-hidden className="size-4" />
          {t("add")}
        </Button>
      )}
      {hint !== undefined && hint !== "" && <p className="text-xs text-soft">{hint}</p>}
      {error !== undefined && <p className="text-sm whitespace-pre-line text-bad">{error}</p>}
    </fieldset>
  );
}

interface TextsByNameProps extends Named {
  values: Readonly<Record<string, unknown>>;
  most: number | null;
  onChange: (values: Readonly<Record<string, unknown>> | undefined) => void;
  children: (value: string, change: (value: string) => void, name: string) => ReactNode;
}

/** Texts under names: each name is typed once, when it is added. What is no text is shown as JSON. */
export function TextsByName({ values, most, onChange, label, hint, error, readOnly = false, children }: TextsByNameProps) {
  const t = useTranslations("inspector.control");
  const [name, setName] = useState("");
  const entries = Object.entries(values);
  const keep = (next: readonly (readonly [string, unknown])[]) => onChange(next.length === 0 ? undefined : Object.fromEntries(next));
  const isNew = name !== "" && !Object.hasOwn(values, name);
  const add = () => {
    if (isNew) keep([...entries, [name, ""]]);
    setName("");
  };
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="mb-1 text-sm font-medium">{label}</legend>
      {entries.map(([key, value]) => {
        const change = (next: unknown) => keep(entries.map(([other, old]) => [other, other === key ? next : old]));
        return (
          <div key={key} className="flex items-start gap-1">
            <div className="min-w-0 flex-1">
              {typeof value === "string" ? (
                children(value, change, key)
              ) : (
                <JsonField label={key} value={value} rows={2} readOnly={readOnly} onChange={(next) => change(next ?? "")} />
              )}
            </div>
            {!readOnly && (
              <IconButton
                label={t("remove", { name: key })}
                size="sm"
                onClick={(event) => goOn(event, () => keep(entries.filter(([other]) => other !== key)))}
              >
                <Trash2 aria-hidden className="size-4" />
              </IconButton>
            )}
          </div>
        );
      })}
      {!readOnly && (most === null || entries.length < most) && (
        <div className="flex items-end gap-1">
          <TextField
            label={t("name")}
            className="min-w-0 flex-1"
            value={name}
            onChange={({ target }) => setName(target.value)}
            onKeyDown={(event) => event.key === "Enter" && add()}
          />
          <Button onClick={(event) => goOn(event, add)} disabled={!isNew} aria-label={t("add_to", { name: label })}>
            {t("add")}
          </Button>
        </div>
      )}
      {hint !== undefined && hint !== "" && <p className="text-xs text-soft">{hint}</p>}
      {error !== undefined && <p className="text-sm whitespace-pre-line text-bad">{error}</p>}
    </fieldset>
  );
}
