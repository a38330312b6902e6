"use client";

// A node's question to a person, answered where it stands.
import { useTranslations } from "use-intl";
import type { Turn } from "@/run/transcript";
import { Markdown } from "@/shared/markdown/markdown";
import { useNode } from "@/shared/run/run";
import { AnswerForm } from "@/shared/run-actions/answer-form";
import { useRunHere } from "./here";

export function Person({ turn }: { turn: Turn }) {
  const t = useTranslations("live.person");
  const run = useRunHere();
  const node = useNode(run, turn.node);
  const { question, reply } = turn;
  if (question === null) return null;
  if (turn.state === "waiting_for_person" && node !== undefined) return <AnswerForm runId={run.id ?? ""} node={node} />;
  return (
    <div className="flex flex-col gap-2">
      <Markdown text={question.text} />
      {reply !== null && (
        <p className="rounded-md bg-sunken px-3 py-2">
          <span className="text-soft">{t("answered")} </span>
          <span dir="auto" className="whitespace-pre-wrap [overflow-wrap:anywhere]">
            {reply.trim() === "" && question.default !== null ? question.default : reply}
          </span>
        </p>
      )}
    </div>
  );
}
