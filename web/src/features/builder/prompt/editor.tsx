"use client";

// Edits one template: completes names after a brace, marks what would keep it from being filled.
import clsx from "clsx";
import { Braces } from "lucide-react";
import { useId, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { useTranslations } from "use-intl";
import { IconButton } from "@/shared/ui/button";
import { completed, completionAt, doubtsIn, pieces, type Completion, type Doubt } from "./completion";
import type { BoundName } from "./names";

const TEXT = "px-2.5 py-2 font-mono text-sm whitespace-pre-wrap break-words [scrollbar-gutter:stable]";
const MARKS = { plain: "", name: "rounded-sm bg-accent-soft", doubt: "rounded-sm bg-bad-soft" };

interface EditorProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Null while nobody knows them: then nothing is completed, and no name is doubted. */
  names: readonly BoundName[] | null;
  hint?: string | undefined;
  /** What the server says of this text; until it has seen it the editor says what it can tell itself. */
  error?: string | undefined;
  isChecked: boolean;
  readOnly?: boolean;
  rows?: number;
  hideLabel?: boolean;
}

/** A text field with a list of names: the list belongs to the field, which keeps the focus while one is chosen. */
export function PromptEditor({ label, value, onChange, names, hint, error, isChecked, readOnly = false, rows = 4, hideLabel = false }: EditorProps) {
  const t = useTranslations("inspector.prompt");
  const ids = { field: useId(), list: useId(), about: useId() };
  const field = useRef<HTMLTextAreaElement>(null);
  const editing = useEditing(field, value, onChange, readOnly ? null : names);
  const doubts = useMemo(() => doubtsIn(value, names), [value, names]);
  const said = isChecked ? error : undefined;
  const aria = {
    "aria-describedby": ids.about,
    ...((said !== undefined || doubts.length > 0) && { "aria-invalid": true as const }),
    ...(editing.offer !== null && { "aria-activedescendant": `${ids.list}-${editing.at}` }),
  };
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <div className="flex items-center justify-between gap-2">
        <label htmlFor={ids.field} className={hideLabel ? "sr-only" : "text-sm font-medium"}>
          {label}
        </label>
        {!readOnly && (
          <IconButton label={t("insert")} size="sm" onClick={editing.begin} disabled={names === null}>
            <Braces aria-hidden className="size-3.5" />
          </IconButton>
        )}
      </div>
      <div className="relative">
        <Marks value={value} doubts={doubts} scrollTop={editing.scrollTop} />
        <textarea
          ref={field}
          id={ids.field}
          rows={rows}
          value={value}
          readOnly={readOnly}
          spellCheck={false}
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={ids.list}
          {...aria}
          onChange={(event) => editing.typed(event.target.value, event.target.selectionStart)}
          onSelect={(event) => editing.moved(event.currentTarget.selectionStart)}
          onKeyDown={editing.onKeyDown}
          onBlur={editing.close}
          onScroll={(event) => editing.setScrollTop(event.currentTarget.scrollTop)}
          className={clsx(
            TEXT,
            "relative block max-h-96 min-h-16 w-full resize-y overflow-y-auto rounded-md border border-line-strong/60 bg-transparent text-ink [field-sizing:content] hover:border-line-strong aria-invalid:border-bad",
          )}
        />
        {editing.offer !== null && <Names id={ids.list} offer={editing.offer} at={editing.at} onChoose={editing.choose} />}
      </div>
      <p role="status" className="sr-only">
        {editing.offer !== null && t("matches", { count: editing.offer.options.length })}
      </p>
      <About id={ids.about} hint={hint} said={said} doubts={doubts} />
      {!readOnly && <Wraps doubts={doubts} value={value} onChange={onChange} />}
    </div>
  );
}

/** The same text behind the field, of which only the marks are seen. */
function Marks({ value, doubts, scrollTop }: { value: string; doubts: readonly Doubt[]; scrollTop: number }) {
  const mirror = useRef<HTMLDivElement>(null);
  const cut = useMemo(() => pieces(value, doubts), [value, doubts]);
  useLayoutEffect(() => {
    if (mirror.current !== null) mirror.current.scrollTop = scrollTop;
  }, [scrollTop, value]);
  return (
    <div ref={mirror} aria-hidden className={clsx(TEXT, "pointer-events-none absolute inset-0 overflow-hidden rounded-md border border-transparent bg-surface text-transparent select-none")}>
      {cut.map(({ text, mark }, index) => (
        <span key={index} className={MARKS[mark]}>
          {text}
        </span>
      ))}
      {"\n"}
    </div>
  );
}

interface NamesProps {
  id: string;
  offer: Completion;
  at: number;
  onChoose: (option: BoundName) => void;
}

function Names({ id, offer, at, onChoose }: NamesProps) {
  const t = useTranslations("inspector.prompt");
  const about = useAbout();
  const chosen = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => {
    chosen.current?.scrollIntoView({ block: "nearest" }); // newer browsers answer with a promise, which is no clean-up
  }, [at, offer]);
  return (
    <ul
      id={id}
      role="listbox"
      aria-label={t("names")}
      tabIndex={0} // it scrolls; the field closes it before anybody could get into it
      onPointerDown={(event) => event.preventDefault()} // the field keeps the focus
      onMouseDown={(event) => event.preventDefault()}
      className="absolute inset-x-0 top-full z-20 mt-1 max-h-56 overflow-y-auto rounded-md border border-line bg-surface p-1 shadow-lift"
    >
      {offer.options.map((option, index) => (
        <li
          key={option.name}
          ref={index === at ? chosen : undefined}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === at}
          onPointerDown={() => onChoose(option)}
          className={clsx("cursor-pointer rounded-sm px-2 py-1", index === at && "bg-sunken")}
        >
          <span className="flex items-baseline justify-between gap-2">
            <span className="min-w-0 truncate font-mono text-sm">{option.name}</span>
            <span className="shrink-0 text-xs text-soft">{option.isSure ? option.type : t("maybe")}</span>
          </span>
          <span className="block truncate text-xs text-soft">{about(option)}</span>
        </li>
      ))}
    </ul>
  );
}

function useAbout(): (name: BoundName) => string {
  const t = useTranslations("inspector.prompt");
  return ({ source, node, about }) => {
    if (source === "previous") return t("previous");
    if (source === "text") return t("text", { node: node ?? "" });
    if (source === "field") return t("about_field", { node: node ?? "", about });
    return source === "item" ? t("item") : about;
  };
}

/** The server's words where it has seen this text; until then what the editor can tell itself. */
function About({ id, hint, said, doubts }: { id: string; hint: string | undefined; said: string | undefined; doubts: readonly Doubt[] }) {
  return (
    <div id={id} className="flex flex-col gap-0.5 text-xs text-soft">
      {hint !== undefined && hint !== "" && <p>{hint}</p>}
      {said !== undefined && <p className="text-sm whitespace-pre-line text-bad">{said}</p>}
      {said === undefined && <Doubts doubts={doubts} />}
    </div>
  );
}

function Doubts({ doubts }: { doubts: readonly Doubt[] }) {
  const t = useTranslations("inspector.prompt");
  const told = new Map(doubts.map((doubt) => [`${doubt.kind} ${doubt.name}`, doubt]));
  return [...told].map(([key, { kind, name }]) => (
    <p key={key} className="text-sm text-bad">
      {t(kind, { name })}
    </p>
  ));
}

/** Puts a block around the first place of each name that may have no value. */
function Wraps({ doubts, value, onChange }: { doubts: readonly Doubt[]; value: string; onChange: (value: string) => void }) {
  const t = useTranslations("inspector.prompt");
  const unsure = doubts.filter(({ kind }) => kind === "unsure");
  const [first] = unsure;
  if (first === undefined) return null;
  const wrap = () => {
    const { name, from, to } = first;
    onChange(`${value.slice(0, from)}{?${name}}${value.slice(from, to)}{/${name}}${value.slice(to)}`);
  };
  return (
    <button type="button" onClick={wrap} className="w-fit text-sm text-accent underline underline-offset-2">
      {t("wrap")} <span className="font-mono">{first.name}</span>
    </button>
  );
}

interface Editing {
  offer: Completion | null;
  at: number;
  scrollTop: number;
  setScrollTop: (top: number) => void;
  typed: (text: string, caret: number) => void;
  moved: (caret: number) => void;
  choose: (option: BoundName) => void;
  begin: () => void;
  close: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

/** What is offered while a name is typed, and the keys that choose among it. */
function useEditing(field: RefObject<HTMLTextAreaElement | null>, value: string, onChange: (value: string) => void, names: readonly BoundName[] | null): Editing {
  const caretTo = useRef<number | null>(null);
  const [caret, setCaret] = useState<number | null>(null);
  const [at, setAt] = useState(0);
  const [scrollTop, setScrollTop] = useState(0);
  useLayoutEffect(() => {
    if (caretTo.current !== null) field.current?.setSelectionRange(caretTo.current, caretTo.current);
    caretTo.current = null;
  }, [field, value]);
  const offer = useMemo(() => (caret === null || names === null ? null : completionAt(value, caret, names)), [caret, names, value]);
  const close = () => setCaret(null);
  const typed = (text: string, next: number) => {
    onChange(text);
    setCaret(next);
    setAt(0);
  };
  const choose = (option: BoundName) => {
    if (offer === null) return;
    const next = completed(value, offer, option);
    caretTo.current = next.caret;
    onChange(next.text);
    close();
  };
  const begin = () => {
    const place = field.current?.selectionStart ?? value.length;
    caretTo.current = place + 1;
    typed(`${value.slice(0, place)}{${value.slice(place)}`, place + 1);
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (offer === null) return;
    const count = offer.options.length;
    const step = { ArrowDown: 1, ArrowUp: count - 1 }[event.key];
    const option = offer.options[at];
    if (step !== undefined) setAt((at + step) % count);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && option !== undefined && !event.shiftKey) choose(option);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  // Where the caret goes elsewhere the list follows only while it is open: a click into a text opens nothing.
  const moved = (next: number) => caret !== null && next !== caret && setCaret(next);
  return { offer, at: Math.min(at, (offer?.options.length ?? 1) - 1), scrollTop, setScrollTop, typed, moved, choose, begin, close, onKeyDown };
}
