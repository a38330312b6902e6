"use client";

// Asks the server which model would take a request, and why each of the others would not; no model is asked anything.
import { useMutation, useQuery } from "@tanstack/react-query";
import { Check } from "lucide-react";
import type { FormEvent } from "react";
import { useTranslations } from "use-intl";
import { api, told } from "@/shared/api/client";
import { modelsQuery } from "@/shared/api/endpoints";
import { Empty } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { Select, TextArea, TextField } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { grouped, TASKS, whyRequest, wrongIn, type Asked, type Candidate } from "./asked";

/** The last answer; kept by whoever shows this view among others. */
export function useWhy() {
  return useMutation({ mutationFn: (asked: Asked) => told(api.POST("/models/why", { body: whyRequest(asked) })) });
}

interface WhyProps extends Asking {
  why: ReturnType<typeof useWhy>;
  onOpen: (key: string) => void;
}

export function Why({ why, asked, onChange, onOpen }: WhyProps) {
  const t = useTranslations("models.why");
  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,24rem)_minmax(0,1fr)]">
      <Panel title={t("ask_title")} className="self-start">
        <Form asked={asked} onChange={onChange} isBusy={why.isPending} onAsk={() => why.mutate(asked)} />
      </Panel>
      <Panel title={t("answer_title")} flush className="self-start">
        {why.error !== null && (
          <div className="p-4">
            <Problem error={why.error} />
          </div>
        )}
        {why.data === undefined && why.error === null && <Empty title={t("nothing")}>{t("nothing_hint")}</Empty>}
        {why.data !== undefined && why.error === null && <Ranking candidates={why.data.candidates} onOpen={onOpen} />}
      </Panel>
    </div>
  );
}

const LIMITS = ["max_usd", "max_seconds", "max_gb", "max_tokens"] as const;
const WRONG = { max_usd: "negative", max_seconds: "not_a_number", max_gb: "not_a_number", max_tokens: "not_whole" } as const;

interface Asking {
  asked: Asked;
  onChange: (asked: Asked) => void;
}

function Form({ asked, onChange, isBusy, onAsk }: Asking & { isBusy: boolean; onAsk: () => void }) {
  const t = useTranslations("models.why");
  const models = useQuery(modelsQuery);
  const change = (part: Partial<Asked>) => onChange({ ...asked, ...part });
  const wrong = wrongIn(asked);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wrong.size === 0) onAsk();
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-3">
      <TextArea label={t("prompt")} hint={t("prompt_hint")} rows={3} value={asked.prompt} onChange={(event) => change({ prompt: event.target.value })} />
      <Select label={t("model")} value={asked.model} onChange={(event) => change({ model: event.target.value })}>
        <option value="">{t("any_model")}</option>
        {models.data?.models.map(({ key }) => (
          <option key={key}>{key}</option>
        ))}
      </Select>
      <Select label={t("task")} value={asked.task} onChange={(event) => change({ task: event.target.value })}>
        <option value="">{t("any_task")}</option>
        {TASKS.map((task) => (
          <option key={task} value={task}>
            {t(`tasks.${task}`)}
          </option>
        ))}
      </Select>
      <div className="grid grid-cols-2 gap-3">
        {LIMITS.map((limit) => (
          <TextField
            key={limit}
            label={t(limit)}
            inputMode="decimal"
            placeholder={t("no_bound")}
            value={asked[limit]}
            error={wrong.has(limit) ? t(WRONG[limit]) : undefined}
            onChange={(event) => change({ [limit]: event.target.value })}
          />
        ))}
      </div>
      <Button type="submit" look="primary" busy={isBusy} className="self-start">
        {t("ask")}
      </Button>
    </form>
  );
}

/** In the order of the choice; those that follow each other for the same reason are one entry. */
function Ranking({ candidates, onOpen }: { candidates: readonly Candidate[]; onOpen: (key: string) => void }) {
  const t = useTranslations("models.why");
  return (
    <ol className="divide-y divide-line" aria-live="polite">
      {grouped(candidates).map(({ from, keys, taken, reason }) => (
        <li key={from} className={`flex gap-3 px-4 py-2.5 ${taken ? "bg-good-soft" : ""}`}>
          <span className="w-10 shrink-0 pt-0.5 text-right text-sm text-soft tabular-nums">
            {taken ? (
              <Check aria-label={t("taken")} className="ml-auto size-4 text-good" />
            ) : keys.length > 1 ? (
              `${from}–${from + keys.length - 1}`
            ) : (
              from
            )}
          </span>
          <span className="min-w-0">
            <span className="flex flex-wrap gap-x-3">
              {keys.map((key) => (
                <button key={key} type="button" onClick={() => onOpen(key)} className="text-left font-mono font-medium break-all hover:underline">
                  {key}
                </button>
              ))}
            </span>
            <span className="block break-words text-soft">{reason}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
