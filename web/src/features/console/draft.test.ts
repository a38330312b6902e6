import { describe, expect, it } from "vitest";
import { MOST_MESSAGES } from "@/shared/asked-again";
import { directRequest, draftOf, EMPTY, numberIn, runRequest, useDraft, wordFor, wrongFields } from "./draft";

describe("the draft of a question", () => {
  it("asks for a run with what was chosen, and with nothing of another flow", () => {
    const draft = {
      ...EMPTY,
      question: "Why?",
      models: { creator: "big", judge: "small", refiner: "" },
      inputs: { topic: "tea", other: "x" },
      maxCostUsd: "0,05",
      temperature: "0",
    };
    const request = runRequest(draft, { roles: ["creator", "refiner"], inputs: ["topic"] }, "es");
    expect(request).toMatchObject({ flow: "challenge", prompt: "Why?", inputs: { topic: "tea" } });
    expect(request.options).toMatchObject({ models: { creator: "big" }, temperature: 0, language: "es", model: null });
    expect(request.options?.limits).toEqual({ max_cost_usd: 0.05, timeout_s: null, max_tokens: null, max_steps: null });
  });

  it("tells every number that is none, and keeps it as typed", () => {
    const draft = { ...EMPTY, temperature: "warm", maxTokens: "1.5", seed: "-1", timeoutS: "0", maxCostUsd: "0" };
    expect(wrongFields(draft)).toEqual(["temperature", "maxTokens", "seed", "timeoutS"]);
    expect(wrongFields(draft).map(wordFor)).toEqual(["not_a_number_from_zero", "not_whole", "not_whole_from_zero", "not_a_number"]);
    expect(numberIn({ ...EMPTY, seed: " 7 " }, "seed")).toBe(7);
    expect(numberIn(EMPTY, "seed")).toBeNull();
  });

  it("asks the same again as the run that it was taken from", () => {
    const draft = { ...EMPTY, question: "Why?", flow: "debate", models: { debater: "big" }, temperature: "0.5", maxCostUsd: "0.05", seed: "7" };
    const history = [{ role: "user", content: "Before?", images: [], tool_calls: [], tool_call_id: null }];
    const flow = { roles: ["debater"], inputs: [] };
    const asked = JSON.parse(JSON.stringify(runRequest({ ...draft, history }, flow, "es")));
    expect(runRequest({ ...EMPTY, ...draftOf({ ...asked, flow: "debate@3" }) }, flow, "en")).toEqual(asked);
  });

  it("gives back what a run's question was put in the place of", () => {
    const { change, take, bringBack } = useDraft.getState();
    const asked = JSON.parse(JSON.stringify(runRequest({ ...EMPTY, question: "Why?" }, { roles: [], inputs: [] }, "en")));
    take(asked);
    expect(useDraft.getState()).toMatchObject({ question: "Why?", replaced: null });
    change({ question: "Half a thought", flow: "debate" });
    take(asked);
    expect(useDraft.getState()).toMatchObject({ question: "Why?", flow: "challenge", replaced: { question: "Half a thought" } });
    take({ ...asked, prompt: "And who?" });
    expect(useDraft.getState()).toMatchObject({ question: "And who?", replaced: { question: "Half a thought" } });
    bringBack();
    expect(useDraft.getState()).toMatchObject({ question: "Half a thought", flow: "debate", replaced: null });
    change({ sent: "Half a thought" });
    take({ ...asked, prompt: "" });
    expect(useDraft.getState()).toMatchObject({ question: "", replaced: null });
  });

  it("asks one model with no flow at all", () => {
    const request = directRequest({ ...EMPTY, question: "Why?", model: "demo", models: { creator: "big" } });
    expect(request).toEqual({
      mode: "direct",
      prompt: "Why?",
      model: "demo",
      strategy: null,
      temperature: null,
      max_tokens: null,
      seed: null,
      history: [],
    });
  });

  it("follows on from what one model answered, and leaves what is written of the next question", () => {
    useDraft.setState({ ...EMPTY, question: "Why?" });
    const { change, followUp } = useDraft.getState();
    const asked = directRequest(useDraft.getState());
    followUp(asked, "So.");
    expect(useDraft.getState()).toMatchObject({ question: "", sent: "Why?" });
    change({ question: "And then?" });
    followUp(directRequest(useDraft.getState()), "Then this.");
    expect(directRequest(useDraft.getState()).history?.map(({ role, content }) => `${role}: ${content}`)).toEqual([
      "user: Why?",
      "assistant: So.",
      "user: And then?",
      "assistant: Then this.",
    ]);
    for (let turn = 0; turn < 30; turn += 1) followUp(directRequest(useDraft.getState()), `Answer ${turn}.`);
    const { history } = useDraft.getState();
    expect([history.length, history.at(-1)?.content, history[0]?.role]).toEqual([MOST_MESSAGES, "Answer 29.", "user"]);
    useDraft.setState({ ...EMPTY, question: "Written since" });
    followUp(asked, "So.");
    expect(useDraft.getState().question).toBe("Written since");
  });
});
