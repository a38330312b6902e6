"use client";

// The console (PromptConsole): write a question, choose who works on it and what it may cost, send it.
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState, type RefObject } from "react";
import { useLocale, useTranslations } from "use-intl";
import consoleWords from "@/messages/en/console";
import markdownWords from "@/messages/en/markdown";
import strategies from "@/messages/en/strategies";
import worthWords from "@/messages/en/worth";
import { flowsQuery } from "@/shared/api/endpoints";
import { takeOver } from "@/shared/asked-again";
import { withWords } from "@/shared/i18n/screen-words";
import { ScreenHead } from "@/shared/ui/bits";
import { Segmented, TextArea } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { useDirect, useStart } from "./asking";
import { directRequest, runRequest, useDraft, wrongFields, type Mode } from "./draft";
import { Estimate } from "./estimate";
import { FirstRun } from "./first-run";
import { FlowPicker } from "./flow-picker";
import { FollowsOn } from "./follows-on";
import { LatestRuns } from "./latest-runs";
import { ModelPickers } from "./model-pickers";
import { Options } from "./options";
import { OutputDisplay } from "./output-display";
import { SendBar } from "./send-bar";

export const Console = withWords({ console: consoleWords, markdown: markdownWords, strategies, worth: worthWords }, Screen);

function Screen() {
  const t = useTranslations("console");
  const question = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    void useDraft.persist.rehydrate();
    const asked = takeOver();
    if (asked === null) return;
    useDraft.getState().take(asked);
    question.current?.focus({ preventScroll: true });
    question.current?.scrollIntoView({ block: "center" });
  }, []);
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")} />
      <FirstRun />
      <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_20rem]">
        <PromptConsole questionRef={question} />
        <LatestRuns />
      </div>
    </>
  );
}

function PromptConsole({ questionRef }: { questionRef: RefObject<HTMLTextAreaElement | null> }) {
  const t = useTranslations("console");
  const { mode, question, change } = useDraft();
  const sending = useSending();
  const submit = sending.send;
  return (
    <form
      className="flex min-w-0 flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter") return;
        const isMeant = event.ctrlKey || event.metaKey;
        // Enter alone in a field, or on a flow, would begin a run that nobody meant to begin.
        if (isMeant || event.target instanceof HTMLInputElement) event.preventDefault();
        if (isMeant) submit();
      }}
    >
      <Panel>
        <div className="flex flex-col gap-3">
          <TextArea
            ref={questionRef}
            label={t("question")}
            placeholder={t("question_hint")}
            value={question}
            rows={5}
            maxLength={1_000_000}
            onChange={(event) => change({ question: event.target.value })}
            className="[&_textarea]:text-lg"
          />
          <FollowsOn />
          <Segmented<Mode>
            label={t("mode")}
            hideLabel
            value={mode}
            onChange={(next) => change({ mode: next })}
            options={[
              { value: "orchestrated", label: t("orchestrated") },
              { value: "direct", label: t("direct") },
            ]}
          />
        </div>
      </Panel>
      {mode === "orchestrated" && <FlowPicker />}
      <ModelPickers />
      <Options />
      {sending.error !== null && <Problem error={sending.error} />}
      <SendBar sending={sending}>{mode === "orchestrated" && <Estimate />}</SendBar>
      {mode === "direct" && <OutputDisplay {...sending.answered} onFollowUp={() => questionRef.current?.focus()} />}
    </form>
  );
}

/** Sends the draft: a run is gone to, one model's answer is shown here. */
function useSending() {
  const router = useRouter();
  const mode = useDraft((draft) => draft.mode);
  const locale = useLocale();
  const flows = useQuery(flowsQuery);
  const start = useStart((runId, { prompt }) => {
    // What follows on is that one question: the next one is asked by itself, unless it is taken from the run again.
    useDraft.getState().change({ history: [], replaced: null, sent: prompt });
    router.push(`/runs/${runId}`);
  });
  const direct = useDirect();
  const leave = useRef<AbortController | null>(null);
  const [stopped, setStopped] = useState(false);
  useEffect(() => () => leave.current?.abort(), []);
  const send = () => {
    const draft = useDraft.getState();
    if (!draft.question.trim() || wrongFields(draft).length > 0 || start.isPending || direct.isPending) return;
    setStopped(false);
    if (draft.mode === "direct") {
      leave.current = new AbortController();
      direct.mutate({ request: directRequest(draft), signal: leave.current.signal });
      return;
    }
    const flow = flows.data?.flows.find(({ id }) => id === draft.flow);
    const names = { roles: flow?.roles ?? [], inputs: Object.keys(flow?.inputs ?? {}).filter((name) => name !== "user_input") };
    start.mutate(runRequest(draft, names, locale));
  };
  const stop = () => {
    setStopped(true);
    leave.current?.abort();
  };
  return {
    send,
    stop,
    isSending: start.isPending || start.isSuccess,
    isAsking: direct.isPending,
    answered: { asked: direct.variables?.request, result: direct.data },
    error: mode === "orchestrated" ? start.error : stopped ? null : direct.error,
  };
}

export type Sending = ReturnType<typeof useSending>;
