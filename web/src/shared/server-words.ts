// What the server says in English, in the language of the page where the sentence is one of a closed set.
import { useMemo } from "react";
import { useLocale, useMessages, useTranslations, type Messages } from "use-intl";

/** All that a sentence may name. */
const NAMES = ["model", "other", "provider", "host", "variable", "file", "library", "task", "count", "seconds"] as const;
const SLOT = /\0(\w+)\0/g;
const MARKED = Object.fromEntries(NAMES.map((name) => [name, `\0${name}\0`]));

/** The sentence with its marked names as what finds them in a text. */
export function finder(marked: string): RegExp {
  const literal = marked.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`^${literal.replace(SLOT, "(?<$1>.+?)")}$`, "s");
}

type Forms = Messages["server"];
interface Known {
  readonly form: keyof Forms;
  readonly find: RegExp;
}

/** Made once for all that show a sentence. */
const finders = new WeakMap<Forms, readonly Known[]>();

/** The words for a sentence of the server's; undefined: it is none that is known, and stays English. */
export function useServerWords(): (text: string) => string | undefined {
  const t = useTranslations();
  const isEnglish = useLocale() === "en";
  const { server } = useMessages();
  const known = () => {
    const made = finders.get(server) ?? keysOf(server).map((form) => ({ form, find: finder(t(`server.${form}.of`, MARKED)) }));
    finders.set(server, made);
    return made;
  };
  return (text) => {
    if (isEnglish) return text;
    for (const { form, find } of known()) {
      const found = find.exec(text);
      if (found !== null) return t(`server.${form}.text`, { ...found.groups });
    }
    return undefined;
  };
}

/** What the server tells beside a sentence: its code, with the names and figures in it. */
export interface Said {
  readonly code: string;
  readonly values?: Readonly<Record<string, Value>>;
}
type Value = string | number | boolean | Said | readonly (string | Said)[];

type Saying = (said: Said | null | undefined) => string | undefined;
type Filling = Record<string, string | number>;

/** The words for what the server tells with a code; undefined: the page is English, or does not know the code. */
export function useSaid(): Saying {
  const t = useTranslations();
  const locale = useLocale();
  return useMemo(
    () => (locale === "en" ? () => undefined : saying({ has: (code) => t.has(`said.${code}`), fill: (code, values) => t(`said.${code}`, values) }, locale)),
    [t, locale],
  );
}

/** What `useSaid` is made of. A sentence with a clause in it that is not known is not known either. */
export function saying(words: { has: (code: string) => boolean; fill: (code: string, values: Filling) => string }, locale: string): Saying {
  const either = new Intl.ListFormat(locale, { type: "disjunction" });
  const textOf = ({ code, values = {} }: Said): string | undefined => {
    const filled: Filling = {};
    for (const [name, value] of Object.entries(values)) {
      const known = valueOf(name, value);
      if (known === undefined) return undefined;
      filled[name] = known;
    }
    return words.has(code) ? words.fill(code, filled) : undefined;
  };
  const valueOf = (name: string, value: Value): string | number | undefined => {
    if (isList(value)) return listed(name, value.map((one) => (typeof one === "string" ? one : textOf(one))));
    if (typeof value === "object") return textOf(value);
    return typeof value === "boolean" ? String(value) : value;
  };
  const listed = (name: string, found: readonly (string | undefined)[]) => {
    const all = found.filter((one) => one !== undefined);
    if (all.length < found.length) return undefined;
    if (name === "either") return either.format(all.map((one) => `«${one}»`));
    return all.join(name === "lines" ? "\n" : ", ");
  };
  return (said) => (said ? capital(textOf(said)) : undefined);
}

function isList(value: Value): value is readonly (string | Said)[] {
  return Array.isArray(value);
}

function capital(text: string | undefined): string | undefined {
  return text === undefined ? undefined : text.charAt(0).toUpperCase() + text.slice(1);
}

function keysOf(forms: Forms): (keyof Forms)[] {
  return Object.keys(forms) as (keyof Forms)[];
}
