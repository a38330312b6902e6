import { expect, test } from "vitest";
import english from "@/messages/en/server";
import spanish from "@/messages/es/server";
import { finder } from "./server-words";

test("both languages know the same sentences of the server, and name the same in them", () => {
  const named = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  for (const [form, { of }] of Object.entries(english)) {
    const other = spanish[form as keyof typeof spanish];
    expect(other.of).toBe(of);
    expect(named(other.text), form).toEqual(named(of));
    expect(other.text).not.toBe(of);
  }
});

test("what a sentence names is found in it, whatever it is", () => {
  const find = finder("'\0model\0' (a.b) needs \0variable\0; go on [now].");
  expect(find.exec("'gpt-5.2' (a.b) needs OPENAI_API_KEY; go on [now].")?.groups).toEqual({
    model: "gpt-5.2",
    variable: "OPENAI_API_KEY",
  });
  expect(find.exec("'gpt-5.2' (axb) needs OPENAI_API_KEY; go on [now].")).toBeNull();
  expect(find.exec("It said: 'm' (a.b) needs K; go on [now].")).toBeNull();
});
