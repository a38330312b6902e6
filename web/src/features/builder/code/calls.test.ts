import { expect, it } from "vitest";
import { callOf, FORMS, inputsToGive, type Called } from "./calls";

const ASKED: Called = { flow: "mine@draft", question: 'Is "it\'s" a word?', inputs: {}, server: "http://lab:8000" };

it("names the flow and the question in every form, as that form writes them", () => {
  for (const form of FORMS) expect(callOf(form, ASKED)).toContain("mine@draft");
  expect(callOf("python", ASKED)).toContain(String.raw`"content": "Is \"it's\" a word?"`);
  expect(callOf("curl", ASKED)).toContain(String.raw`"Is \"it'\''s\" a word?"`);
  expect(callOf("terminal", ASKED)).toBe(String.raw`agent-lab run mine@draft 'Is "it'\''s" a word?'` + "\n");
});

it("gives the inputs that have no value of their own, and no others", () => {
  const inputs = inputsToGive({ user_input: {}, system: {}, tone: { default: "calm" }, audience: {}, length: { default: null } }, "…");
  expect(inputs).toEqual({ audience: "…", length: "…" });
  const asked = { ...ASKED, inputs: { audience: "…" } };
  expect(callOf("python", asked)).toContain('extra_body={"agent_lab": {"inputs": {"audience": "…"}}},');
  expect(callOf("terminal", asked)).toContain(" --input audience='…'");
  for (const form of FORMS) expect(callOf(form, ASKED)).not.toContain("inputs");
});
