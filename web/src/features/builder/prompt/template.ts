// Reads a prompt as the server does: names in braces, blocks that go where their name has no value, literal braces.

const NAME = "[a-z][a-z0-9_]{0,127}(?:\\.[a-z][a-z0-9_]{0,63})?";
const TOKEN = new RegExp(`\\{\\{|\\}\\}|\\{\\?(${NAME})\\}|\\{/(${NAME})\\}|\\{(${NAME})\\}|[{}]`, "g");

/** A name in the text. `slot`: its value stands there; `open` and `close`: the ends of its block. */
export interface Mention {
  readonly name: string;
  readonly kind: "slot" | "open" | "close";
  readonly from: number;
  readonly to: number;
  /** Within a block of that very name. */
  readonly isSheltered: boolean;
}

/** What the server would refuse. `stray`: a brace of no name; `unclosed` and `unopened`: half a block. */
export interface Fault {
  readonly kind: "stray" | "unclosed" | "unopened";
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface Reading {
  readonly mentions: readonly Mention[];
  readonly faults: readonly Fault[];
}

/** Everything in braces, in the order of the text. */
export function readTemplate(text: string): Reading {
  const mentions: Mention[] = [];
  const faults: Fault[] = [];
  const open: Mention[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const [token, opens, closes, slot] = match;
    const [from, to] = [match.index, match.index + token.length];
    const name = opens ?? closes ?? slot ?? "";
    const isSheltered = open.some((block) => block.name === name);
    if (opens !== undefined) {
      const mention: Mention = { name, kind: "open", from, to, isSheltered: true };
      mentions.push(mention);
      open.push(mention);
    } else if (closes !== undefined) {
      if (open.at(-1)?.name === name) open.pop();
      else faults.push({ kind: "unopened", name, from, to });
      mentions.push({ name, kind: "close", from, to, isSheltered: true });
    } else if (slot !== undefined) mentions.push({ name, kind: "slot", from, to, isSheltered });
    else if (token.length === 1) faults.push({ kind: "stray", name: "", from, to });
  }
  faults.push(...open.map(({ name, from, to }): Fault => ({ kind: "unclosed", name, from, to })));
  return { mentions, faults: faults.sort((a, b) => a.from - b.from) };
}
