"use client";

// The question and the inputs of a run from the builder.
import { useLocale, useTranslations } from "use-intl";
import { Segmented, TextArea, TextField } from "@/shared/ui/field";
import { inLanguage } from "@/shared/flow/text";
import { flowNow, useBuilder } from "../store";
import { ask, useAsked, type Language } from "./asked";

export function RunForm({ onSend, rows = 3 }: { onSend: () => void; rows?: number }) {
  const t = useTranslations("inspector.trial");
  const tc = useTranslations("inspector.control");
  const app = useLocale();
  const flowId = useBuilder((state) => state.flowId);
  const inputs = useBuilder((state) => flowNow(state).inputs);
  const asked = useAsked(flowId);
  const others = Object.entries(inputs ?? {}).filter(([name]) => name !== "user_input");
  return (
    <div
      className="flex flex-col gap-3"
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        onSend();
      }}
    >
      <TextArea label={t("question")} rows={rows} maxLength={1_000_000} value={asked.question} onChange={({ target }) => ask(flowId, { question: target.value })} />
      {others.map(([name, given]) => (
        <TextField
          key={name}
          label={name}
          hint={inLanguage(given.description, app) || undefined}
          placeholder={given.default ?? ""}
          value={asked.inputs[name] ?? ""}
          onChange={({ target }) => ask(flowId, { inputs: { ...asked.inputs, [name]: target.value } })}
        />
      ))}
      <Segmented<Language>
        label={t("language")}
        value={asked.language || app}
        options={[
          { value: "en", label: tc("en") },
          { value: "es", label: tc("es") },
        ]}
        onChange={(language) => ask(flowId, { language })}
      />
    </div>
  );
}
