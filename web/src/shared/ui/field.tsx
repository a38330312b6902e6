"use client";

// Fields of forms: each with its label, a hint, and what is wrong with it beside it.
import clsx from "clsx";
import { useId, type ComponentProps, type ReactNode } from "react";
import { useDoneEarly } from "./early";

const CONTROL =
  "w-full rounded-md border bg-surface text-base text-ink placeholder:text-soft disabled:opacity-60 border-line-strong/60 " +
  "hover:border-line-strong aria-invalid:border-bad";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** For readers of the screen alone, where the place says already what it is. */
  hideLabel?: boolean;
  className?: string;
  children: (control: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode;
}

/** Gives its control a name, a description, and the sentence that says what is wrong. */
export function Field({ label, hint, error, hideLabel = false, className, children }: FieldProps) {
  const id = useId();
  const place = useDoneEarly<HTMLDivElement>();
  const hintId = hint === undefined ? undefined : `${id}-hint`;
  const errorId = error === undefined ? undefined : `${id}-error`;
  const described = [hintId, errorId].filter(Boolean).join(" ");
  return (
    <div ref={place} className={clsx("flex min-w-0 flex-col gap-1", className)}>
      <label htmlFor={id} className={hideLabel ? "sr-only" : "text-sm font-medium text-ink"}>
        {label}
      </label>
      {children({
        id,
        ...(described && { "aria-describedby": described }),
        ...(error !== undefined && { "aria-invalid": true as const }),
      })}
      {hint !== undefined && (
        <div id={hintId} className="text-xs text-soft">
          {hint}
        </div>
      )}
      {error !== undefined && (
        <p id={errorId} role="alert" className="text-sm text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

type Named = Omit<FieldProps, "children">;

export function TextField({ label, hint, error, hideLabel, className, ...more }: Named & ComponentProps<"input">) {
  return (
    <Field {...named({ label, hint, error, hideLabel, className })}>
      {(control) => <input type="text" {...more} {...control} className={clsx(CONTROL, "h-9 px-2.5")} />}
    </Field>
  );
}

export function TextArea({ label, hint, error, hideLabel, className, ...more }: Named & ComponentProps<"textarea">) {
  return (
    <Field {...named({ label, hint, error, hideLabel, className })}>
      {(control) => <textarea rows={4} {...more} {...control} className={clsx(CONTROL, "resize-y px-2.5 py-2")} />}
    </Field>
  );
}

export function Select({ label, hint, error, hideLabel, className, ...more }: Named & ComponentProps<"select">) {
  return (
    <Field {...named({ label, hint, error, hideLabel, className })}>
      {(control) => <select {...more} {...control} className={clsx(CONTROL, "h-9 px-2")} />}
    </Field>
  );
}

type CheckboxProps = { label: ReactNode; hint?: ReactNode } & ComponentProps<"input">;

export function Checkbox({ label, hint, className, ...more }: CheckboxProps) {
  const id = useId();
  const place = useDoneEarly<HTMLDivElement>();
  return (
    <div ref={place} className={clsx("flex items-start gap-2", className)}>
      <input
        type="checkbox"
        {...more}
        id={id}
        {...(hint !== undefined && { "aria-describedby": `${id}-hint` })}
        className="mt-1 size-4 shrink-0 accent-accent"
      />
      <div>
        <label htmlFor={id} className="block w-fit py-px">
          {label}
        </label>
        {hint !== undefined && (
          <div id={`${id}-hint`} className="text-xs text-soft">
            {hint}
          </div>
        )}
      </div>
    </div>
  );
}

interface SegmentedProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  hideLabel?: boolean;
}

/** One of a few, all in sight. Arrow keys move as among radio buttons, which they are. */
export function Segmented<T extends string>({ label, value, options, onChange, hideLabel = false }: SegmentedProps<T>) {
  const name = useId();
  const place = useDoneEarly<HTMLFieldSetElement>();
  return (
    <fieldset ref={place} className="min-w-0">
      <legend className={hideLabel ? "sr-only" : "mb-1 text-sm font-medium"}>{label}</legend>
      <div className="inline-flex max-w-full flex-wrap rounded-md border border-line bg-sunken p-0.5">
        {options.map((option) => (
          <label
            key={option.value}
            className="cursor-pointer rounded-sm px-2.5 py-1 text-sm text-soft has-checked:bg-surface has-checked:font-medium has-checked:text-ink has-checked:shadow-lift has-focus-visible:outline-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
              className="sr-only"
            />
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Leaves out what is not given: a property that is there and undefined is another thing. */
function named(given: { [K in keyof Named]: Named[K] | undefined } & { label: string }): Named {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as unknown as Named;
}
