import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import en from "./en/strategies";
import es from "./es/strategies";

it("says in both languages what each strategy of the registry does", () => {
  const registry = readFileSync(new URL("../../../src/agent_lab/registries/strategies.toml", import.meta.url), "utf8");
  const rows = [...registry.matchAll(/^name = "(\w+)"\ndescription = "([^"]+)"$/gm)];
  const told = Object.fromEntries(rows.map(([, name, description]) => [name, description]));
  const of = (words: typeof en) => Object.fromEntries(Object.entries(words).map(([name, one]) => [name, one.of]));
  expect(rows.length).toBeGreaterThan(5);
  expect(of(en)).toEqual(told);
  expect(of(es)).toEqual(told);
});
