"use client";

// A node's question to a person, and the answer to it.
import { useId, useState, type FormEvent } from "react";
import { useTranslations } from "use-intl";
import { useUnsent } from "@/shared/kept";
import { Button } from "@/shared/ui/button";
import { TextArea } from "@/shared/ui/field";
import { Problem } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { useAnswer } from "./api";

interface Asking {
  id: string;
  label: string;
  /** Its turn: the question of an earlier one is over. */
  visits: number;
  question: string | null;
  choices: readonly string[];
  default: string | null;
}

interface AnswerFormProps {
  runId: string;
  node: Asking;
  onAnswered?: () => void;
}

/** Shows nothing where the node asks nothing. What was written stays where the server refuses it, and over a reload. */
export function AnswerForm({ runId, node, onAnswered }: AnswerFormProps) {
  const t = useTranslations("run_actions.answer");
  const unsent = useUnsent(`answer ${runId} ${node.id} ${node.visits}`, () => "", isText);
  const { value: text, change: setText } = unsent;
  const [isEmpty, setEmpty] = useState(false);
  const answer = useAnswer(runId, () => {
    unsent.drop();
    toast(t("sent"));
    onAnswered?.();
  });
  if (node.question === null) return null;
  const send = (event?: FormEvent) => {
    event?.preventDefault();
    const isMissing = text.trim() === "" && node.default === null;
    setEmpty(isMissing);
    if (!isMissing && !answer.isPending) answer.mutate({ node: node.id, visit: node.visits, text });
  };
  return (
    <form
      onSubmit={send}
      aria-label={t("title", { label: node.label })}
      onKeyDown={(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && send(event)}
      className="flex flex-col gap-3 rounded-lg border border-warn/40 bg-warn-soft p-4"
    >
      <div>
        <p className="text-sm font-semibold text-warn">{t("title", { label: node.label })}</p>
        <p className="mt-1 break-words whitespace-pre-wrap">{node.question}</p>
      </div>
      {node.choices.length > 0 ? (
        <Choices node={node} value={text} error={isEmpty ? t("empty") : undefined} onChange={setText} />
      ) : (
        <TextArea
          label={t("text")}
          value={text}
          rows={3}
          maxLength={1_000_000}
          hint={node.default === null ? undefined : t("default_hint", { answer: node.default })}
          error={isEmpty ? t("empty") : undefined}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      {answer.error !== null && <Problem error={answer.error} />}
      <div>
        <Button type="submit" look="primary" busy={answer.isPending || answer.isSuccess}>
          {t("send")}
        </Button>
      </div>
    </form>
  );
}

function isText(kept: unknown): kept is string {
  return typeof kept === "string";
}

interface ChoicesProps {
  node: Asking;
  value: string;
  error: string | undefined;
  onChange: (choice: string) => void;
}

function Choices({ node, value, error, onChange }: ChoicesProps) {
  const t = useTranslations("run_actions.answer");
  const name = useId();
  return (
    <fieldset aria-describedby={error === undefined ? undefined : `${name}-error`}>
      <legend className="mb-1.5 text-sm font-medium">{t("choices")}</legend>
      <div className="flex flex-wrap gap-2">
        {node.choices.map((choice) => (
          <label
            key={choice}
            className="flex max-w-full cursor-pointer items-center gap-2 rounded-md border border-line-strong/60 bg-surface px-3 py-1.5 break-words has-checked:border-accent has-checked:bg-accent-soft has-focus-visible:outline-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name={name}
              value={choice}
              checked={value === choice}
              onChange={() => onChange(choice)}
              className="accent-accent"
            />
            {choice === node.default ? t("default_choice", { choice }) : choice}
          </label>
        ))}
      </div>
      {error !== undefined && (
        <p id={`${name}-error`} role="alert" className="mt-1 text-sm text-bad">
          {error}
        </p>
      )}
    </fieldset>
  );
}
