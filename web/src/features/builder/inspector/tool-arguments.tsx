"use client";

// The arguments of a tool: a field for each that its schema names, and those that it does not know.
import { useTranslations } from "use-intl";
import { nodeOf } from "../document";
import { useIsChecked, useNamesAt } from "../problems/checks";
import { said, type PlacedProblem } from "../problems/places";
import { PromptEditor } from "../prompt/editor";
import { flowNow, useBuilder } from "../store";
import { readArgument, takesOf, writtenArgument, type Argument, type Takes } from "./arguments";
import type { Kind } from "./kinds";
import { TextsByName, useTyped, type Named } from "./values";

/** What the tool takes that a node names; null where no such tool is registered, or its schema names nothing. */
export function useTakes(node: string, kind: Kind): Takes | null {
  const tool = useBuilder((state) => nodeOf(flowNow(state), node)?.["tool"]);
  const offered = kind.offers["tool"]?.find(({ name }) => name === tool);
  const takes = offered === undefined ? null : takesOf(offered.takes);
  return takes === null || takes.known.length === 0 ? null : takes;
}

type Values = Readonly<Record<string, unknown>>;

interface ToolArgumentsProps extends Named {
  node: string;
  takes: Takes;
  values: Values;
  problems: readonly PlacedProblem[];
  onChange: (values: Values | undefined) => void;
}

export function ToolArguments({ node, takes, values, problems, label, hint, readOnly = false, onChange }: ToolArgumentsProps) {
  const t = useTranslations("inspector.control");
  const keep = (next: Values) => {
    const given = Object.entries(next).filter(([, value]) => value !== undefined);
    onChange(given.length === 0 ? undefined : Object.fromEntries(given));
  };
  const names = new Set(takes.known.map(({ name }) => name));
  const known = Object.entries(values).filter(([name]) => names.has(name));
  const others = Object.entries(values).filter(([name]) => !names.has(name));
  const whole = problems.filter(({ place }) => place.setting === "arguments" && place.rest.length === 0).map(({ message }) => message);
  return (
    <fieldset className="flex min-w-0 flex-col gap-3">
      <legend className="mb-1 text-sm font-medium">{label}</legend>
      {hint !== undefined && hint !== "" && <p className="text-xs text-soft">{hint}</p>}
      {takes.known.map((argument) => (
        <ArgumentField
          key={argument.name}
          node={node}
          argument={argument}
          value={values[argument.name]}
          error={said(problems, "arguments", [argument.name])}
          readOnly={readOnly}
          onChange={(value) => keep({ ...values, [argument.name]: value })}
        />
      ))}
      {(others.length > 0 || (takes.isOpen && !readOnly)) && (
        <TextsByName
          label={t("other_arguments")}
          values={Object.fromEntries(others)}
          most={takes.isOpen ? null : others.length}
          readOnly={readOnly}
          onChange={(next) => keep({ ...Object.fromEntries(known), ...next })}
        >
          {(text, change, name) => (
            <Filled node={node} label={name} value={text} error={said(problems, "arguments", [name])} readOnly={readOnly} onChange={change} />
          )}
        </TextsByName>
      )}
      {whole.length > 0 && <p className="text-sm whitespace-pre-line text-bad">{whole.join("\n")}</p>}
    </fieldset>
  );
}

interface ArgumentFieldProps {
  node: string;
  argument: Argument;
  value: unknown;
  error: string | undefined;
  readOnly: boolean;
  onChange: (value: unknown) => void;
}

function ArgumentField({ argument, value, onChange, ...more }: ArgumentFieldProps) {
  const t = useTranslations("inspector.control");
  const { name, type, isRequired, about, choices } = argument;
  const { text, type: typed } = useTyped(value, writtenArgument, (one, other) => JSON.stringify(one) === JSON.stringify(other));
  const hints = [
    `${t(`types.${type}`)}${isRequired ? `, ${t("needed")}` : ""}.`,
    about,
    choices.length > 0 && t("one_of", { choices: choices.join(", ") }),
  ];
  const change = (next: string) => {
    const read = readArgument(next, type);
    typed(next, read);
    onChange(read);
  };
  return <Filled {...more} label={isRequired ? `${name} *` : name} hint={hints.filter(Boolean).join(" ")} value={text} onChange={change} />;
}

interface FilledProps extends Named {
  node: string;
  value: string;
  onChange: (value: string) => void;
}

/** A text in which names of what ran before may stand. */
function Filled({ node, ...more }: FilledProps) {
  const names = useNamesAt(node);
  const isChecked = useIsChecked(node);
  return <PromptEditor {...more} rows={1} names={names} isChecked={isChecked} />;
}
