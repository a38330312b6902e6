import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = resolve(import.meta.dirname, "..");
/** What the layout gives to every screen. */
const EVERYWHERE = ["alerts", "common"];
/** What is said in other languages alone: in English the server's own sentences stand. */
const ABROAD = ["said", "server"];
const IMPORT = /(?:from|import\()\s*"([^"]+)"/g;
const SPOKEN = /useTranslations\("(\w+)/g;
/** Where the namespace stands in the key: `t("live.graph.rounds")`. */
const SPOKEN_IN_FULL = /\bt\([`"]([a-z_]+)\./g;
const GIVEN = /"@\/messages\/en\/(?!everywhere)(\w+)"/g;

describe("the words of a screen", () => {
  it.each(pages())("%s has all that it says, and whatever it shows says", (page) => {
    const files = [...reached(page)].filter((file) => !file.startsWith(join(SRC, "messages"))).map((file) => readFileSync(file, "utf8"));
    const spoken = files.flatMap((text) => [
      ...matches(text, SPOKEN),
      ...(text.includes("useTranslations()") ? matches(text, SPOKEN_IN_FULL) : []),
    ]);
    const given = files.flatMap((text) => matches(text, GIVEN));
    expect(new Set([...given, ...EVERYWHERE])).toEqual(new Set([...spoken.filter((name) => !ABROAD.includes(name)), ...EVERYWHERE]));
  });
});

function pages(): string[] {
  return readdirSync(join(SRC, "app"), { recursive: true, encoding: "utf8" }).filter((name) => /(page|layout|not-found)\.tsx$/.test(name));
}

/** The files that a page imports, now or later, and those that they import. */
function reached(page: string): Set<string> {
  const seen = new Set<string>();
  const look = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const name of matches(readFileSync(file, "utf8"), IMPORT)) {
      const found = fileOf(name, file);
      if (found !== undefined) look(found);
    }
  };
  look(join(SRC, "app", page));
  return seen;
}

function fileOf(name: string, from: string): string | undefined {
  if (!name.startsWith("@/") && !name.startsWith(".")) return undefined;
  const path = name.startsWith("@/") ? join(SRC, name.slice(2)) : join(dirname(from), name);
  return ["", ".ts", ".tsx"].map((suffix) => path + suffix).find((file) => /\.tsx?$/.test(file) && statSync(file, { throwIfNoEntry: false })?.isFile());
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found = ""]) => found);
}
