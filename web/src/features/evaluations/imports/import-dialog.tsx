"use client";

// Holds answers that were made elsewhere against each other: files of them, read and shown before they are taken.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Select, TextField } from "@/shared/ui/field";
import { Fold } from "@/shared/ui/fold";
import { datasetsQuery, useImport } from "../api";
import { DatasetOptions } from "../form/dataset-section";
import { specOf, useDraft, wrongIn, type Scorer } from "../form/draft";
import { BudgetField, ScorerSelect, ScorerSettings } from "../form/scorer-section";
import { importSpec, readAll, type Asked } from "./answers";
import { asked, COLUMNS, isOwn, NOTHING, OWN, tooMuch, type Choice } from "./choice";
import { ReadingView } from "./reading-view";
import { WrongFile } from "./wrong-file";

/** What a scorer asks for; other fields are not seen here. */
const ASKED_BY: Partial<Record<Scorer, string>> = { regex: "pattern", number: "tolerance", code: "runCode", judge: "budgetUsd" };

export function ImportDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations("evaluations.importing");
  const actions = useTranslations("common.actions");
  const importing = useImporting();
  const { choice, change, reading, wrong, look, take } = importing;
  return (
    <Dialog
      open
      place="wide"
      title={t("title")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{actions("cancel")}</Button>
          <Button busy={reading.isPending} disabled={choice.files.length === 0} onClick={look}>
            {t("look")}
          </Button>
          <Button look="primary" busy={take.isBusy} disabled={!take.isReady} onClick={take.now}>
            {t("take")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <p className="max-w-prose text-soft">{t("about")}</p>
        <Files choice={choice} change={change} wrong={wrong} />
        {reading.error !== null && <WrongFile error={reading.error} />}
        {reading.data !== undefined && (
          <>
            <ReadingView reading={reading.data} keeps={isOwn(choice)} />
            <Judging arms={Object.keys(reading.data.sources)} baseline={choice.baseline} change={change} />
          </>
        )}
        {take.error !== null && <WrongFile error={take.error} />}
      </div>
    </Dialog>
  );
}

/** What was chosen, what it was read as, and the import of exactly that. */
function useImporting() {
  const t = useTranslations("evaluations.upload");
  const own = useTranslations("evaluations.importing");
  const router = useRouter();
  const language = useLocale();
  const [choice, setChoice] = useState(NOTHING);
  const [wrong, setWrong] = useState<string>();
  const draft = useDraft();
  useEffect(() => {
    void useDraft.persist.rehydrate();
    useDraft.getState().change({ runCode: false });
  }, []);
  const reading = useMutation({ mutationFn: (what: Asked) => readAll(what, false) });
  const send = useImport((id) => router.push(`/evaluations/${id}`));
  const change = (changes: Partial<Choice>) => {
    setChoice({ ...choice, ...changes });
    if ("baseline" in changes) return;
    // What was shown is no longer what would be taken.
    reading.reset();
    send.reset();
    setWrong(undefined);
  };
  const sentences = { own_of_many: own("own_of_many"), too_large: t("too_large", { mb: tooMuch.mb }), unreadable: t("unreadable"), empty: t("empty") };
  const look = async () => {
    const what = await asked(choice);
    if (typeof what === "string") setWrong(sentences[what]);
    else reading.mutate(what);
  };
  const judged = specOf(draft, language);
  const isFit = !wrongIn(draft).some(({ at }) => at === ASKED_BY[draft.scorer]);
  const take = () => {
    const [what, found] = [reading.variables, reading.data];
    if (what === undefined || found === undefined || send.isPending || send.isSuccess) return;
    send.mutate({ what, spec: importSpec(found, choice.baseline, judged) });
  };
  return {
    choice,
    change,
    wrong,
    reading,
    look: () => void look(),
    take: { now: take, isReady: reading.data !== undefined && isFit, isBusy: send.isPending || send.isSuccess, error: send.error },
  };
}

interface FilesProps {
  choice: Choice;
  change: (changes: Partial<Choice>) => void;
  wrong: string | undefined;
}

function Files({ choice, change, wrong }: FilesProps) {
  const t = useTranslations("evaluations.importing");
  const datasets = useQuery(datasetsQuery);
  return (
    <div className="grid items-start gap-3 sm:grid-cols-2">
      <TextField
        data-autofocus
        type="file"
        multiple
        label={t("files")}
        hint={t("files_hint")}
        accept=".jsonl,.json,.csv,.txt,application/json,text/csv"
        {...(wrong !== undefined && { error: wrong })}
        className="[&_input]:py-1.5"
        onChange={({ target }) => change({ files: [...(target.files ?? [])] })}
      />
      <Select label={t("dataset")} hint={t("dataset_hint")} value={choice.dataset} onChange={({ target }) => change({ dataset: target.value })}>
        <DatasetOptions datasets={datasets.data?.datasets} chosen={isOwn(choice) ? "demo" : choice.dataset} />
        <option value={OWN}>{t("own")}</option>
      </Select>
      <Fold mustShow={false} className="sm:col-span-2">
        <summary className="w-fit text-sm text-soft hover:text-ink">{t("columns")}</summary>
        <div className="mt-2 grid gap-3 sm:grid-cols-3">
          {COLUMNS.map((column) => (
            <TextField
              key={column}
              label={t(`column.${column}`)}
              value={choice.columns[column]}
              maxLength={200}
              onChange={({ target }) => change({ columns: { ...choice.columns, [column]: target.value } })}
            />
          ))}
          <TextField label={t("column.arms")} value={choice.arms} hint={t("arms_hint")} onChange={({ target }) => change({ arms: target.value })} />
        </div>
      </Fold>
    </div>
  );
}

function Judging({ arms, baseline, change }: { arms: readonly string[]; baseline: string; change: (changes: Partial<Choice>) => void }) {
  const t = useTranslations("evaluations");
  const scorer = useDraft((draft) => draft.scorer);
  return (
    <section aria-label={t("form.scorer")} className="grid items-start gap-3 border-t border-line pt-4 sm:grid-cols-2">
      <ScorerSelect />
      <Select label={t("form.baseline")} value={arms.includes(baseline) ? baseline : "auto"} onChange={({ target }) => change({ baseline: target.value })}>
        <option value="auto">{t("importing.baseline_auto")}</option>
        {arms.map((arm) => (
          <option key={arm} value={arm}>
            {arm}
          </option>
        ))}
      </Select>
      <ScorerSettings />
      {scorer === "judge" && <BudgetField />}
    </section>
  );
}
