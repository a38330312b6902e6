"use client";

// How an answer is judged, what the whole may cost, and what few people change.
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { modelsQuery } from "@/shared/api/endpoints";
import { Checkbox, Select, TextArea, TextField } from "@/shared/ui/field";
import { Fold } from "@/shared/ui/fold";
import { Panel } from "@/shared/ui/panel";
import { SCORERS, useDraft, wrongIn, type Draft, type Scorer } from "./draft";
import { useWrongNumber } from "./wrong";

export function ScorerSection() {
  const t = useTranslations("evaluations.form");
  return (
    <Panel title={t("scorer")}>
      <div className="grid items-start gap-3 sm:grid-cols-2">
        <ScorerSelect />
        <BudgetField />
        <ScorerSettings />
      </div>
      <Further />
    </Panel>
  );
}

export function ScorerSelect() {
  const t = useTranslations("evaluations.form");
  const { scorer, change } = useDraft();
  return (
    <Select label={t("scorer_name")} value={scorer} onChange={(event) => change({ scorer: event.target.value as Scorer })}>
      {SCORERS.map((name) => (
        <option key={name} value={name}>
          {t(`scorers.${name}`)}
        </option>
      ))}
    </Select>
  );
}

export function BudgetField() {
  const t = useTranslations("evaluations.form");
  const { budgetUsd, change } = useDraft();
  const wrong = useWrongNumber();
  return (
    <TextField
      label={t("budget")}
      hint={t("budget_hint")}
      inputMode="decimal"
      value={budgetUsd}
      {...wrong("budgetUsd")}
      onChange={(event) => change({ budgetUsd: event.target.value })}
    />
  );
}

/** What the chosen scorer is told. */
export function ScorerSettings() {
  const t = useTranslations("evaluations.form");
  const draft = useDraft();
  const { scorer, pattern, tolerance, change } = draft;
  const wrong = useWrongNumber();
  if (scorer === "judge") return <JudgeSettings />;
  if (scorer === "code") return <CodeSettings />;
  if (scorer === "number")
    return (
      <TextField
        label={t("tolerance")}
        hint={t("tolerance_hint")}
        inputMode="decimal"
        placeholder="0"
        value={tolerance}
        {...wrong("tolerance")}
        onChange={(event) => change({ tolerance: event.target.value })}
      />
    );
  if (scorer !== "regex") return null;
  const isMissing = wrongIn(draft).some(({ at }) => at === "pattern");
  return (
    <TextField
      label={t("pattern")}
      hint={t("pattern_hint")}
      value={pattern}
      maxLength={1000}
      className="sm:col-span-2 [&_input]:font-mono"
      {...(isMissing && { error: t("wrong.pattern") })}
      onChange={(event) => change({ pattern: event.target.value })}
    />
  );
}

function CodeSettings() {
  const t = useTranslations("evaluations.form");
  const { runCode, change } = useDraft();
  return (
    <div className="flex flex-col gap-1.5 sm:col-span-2">
      <p className="text-sm text-soft">{t("code_about")}</p>
      <Checkbox label={t("run_code")} checked={runCode} onChange={(event) => change({ runCode: event.target.checked })} />
      {!runCode && (
        <p role="alert" className="text-sm text-bad">
          {t("wrong.run_code")}
        </p>
      )}
    </div>
  );
}

function JudgeSettings() {
  const t = useTranslations("evaluations.form");
  const { judgeModel, judgeQuestion, change } = useDraft();
  const models = useQuery(modelsQuery).data?.models.filter((model) => model.usable) ?? [];
  return (
    <>
      <Select label={t("judge_model")} value={judgeModel} onChange={(event) => change({ judgeModel: event.target.value })}>
        <option value="">{t("arm_model_default")}</option>
        {judgeModel !== "" && !models.some(({ key }) => key === judgeModel) && <option value={judgeModel}>{judgeModel}</option>}
        {models.map(({ key }) => (
          <option key={key} value={key}>
            {key}
          </option>
        ))}
      </Select>
      <TextArea
        label={t("judge_question")}
        rows={2}
        maxLength={10_000}
        value={judgeQuestion}
        className="sm:col-span-2"
        onChange={(event) => change({ judgeQuestion: event.target.value })}
      />
    </>
  );
}

function Further() {
  const t = useTranslations("evaluations.form");
  const languages = useTranslations("common.language");
  const { samples, seed, marginPoints, language, name, change } = useDraft();
  const wrong = useWrongNumber();
  const numbers = { samples: wrong("samples"), seed: wrong("seed"), marginPoints: wrong("marginPoints") };
  return (
    <Fold mustShow={Object.values(numbers).some(({ error }) => error !== undefined)} className="mt-4">
      <summary className="w-fit text-sm text-soft hover:text-ink">{t("further")}</summary>
      <div className="mt-3 grid items-start gap-3 sm:grid-cols-2">
        <TextField
          label={t("samples")}
          hint={t("samples_hint")}
          inputMode="numeric"
          placeholder="1"
          value={samples}
          {...numbers.samples}
          onChange={(event) => change({ samples: event.target.value })}
        />
        <TextField
          label={t("margin")}
          hint={t("margin_hint")}
          inputMode="decimal"
          placeholder="2"
          value={marginPoints}
          {...numbers.marginPoints}
          onChange={(event) => change({ marginPoints: event.target.value })}
        />
        <TextField
          label={t("seed")}
          inputMode="numeric"
          placeholder="0"
          value={seed}
          {...numbers.seed}
          onChange={(event) => change({ seed: event.target.value })}
        />
        <Select label={t("language")} value={language} onChange={(event) => change({ language: event.target.value as Draft["language"] })}>
          <option value="">{t("language_auto")}</option>
          <option value="en">{languages("en")}</option>
          <option value="es">{languages("es")}</option>
        </Select>
        <TextField label={t("name")} value={name} maxLength={200} className="sm:col-span-2" onChange={(event) => change({ name: event.target.value })} />
      </div>
    </Fold>
  );
}
