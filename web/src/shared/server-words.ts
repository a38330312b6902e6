// What the server says in English, in the language of the page where the sentence is one of a closed set.
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

function keysOf(forms: Forms): (keyof Forms)[] {
  return Object.keys(forms) as (keyof Forms)[];
}
