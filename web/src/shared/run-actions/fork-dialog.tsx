"use client";

// Runs an ended run once more with something changed; what that takes is shown before it is begun.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { useSettled } from "@/shared/settled";
import { useUnsent } from "@/shared/kept";
import { Button } from "@/shared/ui/button";
import { Skeleton } from "@/shared/ui/bits";
import { Dialog } from "@/shared/ui/dialog";
import { TextArea } from "@/shared/ui/field";
import { Problem } from "@/shared/ui/problem";
import { beginningQuery, previewQuery, useFork, type RunBeginning } from "./api";
import { forkRequest, freshDraft, isChange, isDraft, wrongIn, type ForkDraft } from "./fork-change";
import { ForkNode } from "./fork-node";
import { Preview } from "./fork-preview";
import { ModelSelect } from "./model-select";

const QUIET_MS = 350;

interface ForkDialogProps {
  runId: string;
  onClose: () => void;
  onBegun: (runId: string) => void;
  /** The node that is changed first. */
  node?: string;
}

export function ForkDialog({ runId, onClose, onBegun, node = "" }: ForkDialogProps) {
  const t = useTranslations("run_actions.dialog");
  const beginning = useQuery(beginningQuery(runId));
  if (beginning.data !== undefined)
    return <OpenFork beginning={beginning.data} node={node} onClose={onClose} onBegun={onBegun} />;
  return (
    <Dialog open title={t("title")} place="wide" onClose={onClose}>
      {beginning.error === null ? (
        <div className="flex flex-col gap-3">
          <Skeleton className="h-6 w-2/3" />
          <Skeleton className="h-24" />
          <Skeleton className="h-9" />
          <Skeleton className="h-40" />
        </div>
      ) : (
        <Problem error={beginning.error} again={() => void beginning.refetch()} />
      )}
    </Dialog>
  );
}

type OpenForkProps = Omit<ForkDialogProps, "runId" | "node"> & { beginning: RunBeginning; node: string };

function OpenFork({ beginning, node, onClose, onBegun }: OpenForkProps) {
  const t = useTranslations("run_actions.dialog");
  const unsent = useUnsent(`fork ${beginning.run_id}`, () => freshDraft(beginning), isDraft);
  const draft = unsent.value;
  const change = (part: Partial<ForkDraft>) => unsent.change({ ...draft, ...part });
  const begun = (runId: string) => {
    unsent.drop();
    onClose();
    onBegun(runId);
  };
  const fork = useForking(beginning, draft, begun);
  const inputs = Object.keys(beginning.flow.inputs ?? {}).filter((name) => name !== "user_input");
  return (
    <Dialog
      open
      title={t("title")}
      place="wide"
      onClose={onClose}
      footer={
        <>
          <Preview state={fork.state} preview={fork.preview} error={fork.error} flow={beginning.flow} language={beginning.request.options?.language ?? "en"} />
          <Button look="primary" disabled={fork.state !== "ready" || fork.preview === undefined} busy={fork.isBeginning} onClick={fork.begin}>
            {t("start")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <p className="max-w-prose text-soft">{t("about")}</p>
        {unsent.isBack && fork.state !== "none" && (
          <p role="status" className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-md bg-sunken px-3 py-2">
            {t("back")}
            <Button size="sm" onClick={unsent.drop}>
              {t("afresh")}
            </Button>
          </p>
        )}
        <TextArea
          label={t("question")}
          rows={3}
          maxLength={1_000_000}
          value={draft.question}
          onChange={(event) => change({ question: event.target.value })}
        />
        {inputs.map((name) => (
          <TextArea
            key={name}
            label={t("input", { name })}
            rows={2}
            maxLength={1_000_000}
            value={draft.inputs[name] ?? ""}
            placeholder={beginning.flow.inputs?.[name]?.default ?? ""}
            onChange={(event) => change({ inputs: { ...draft.inputs, [name]: event.target.value } })}
          />
        ))}
        <ModelSelect
          label={t("all_models")}
          before={beginning.request.options?.model ?? null}
          value={draft.model}
          onChange={(model) => change({ model })}
        />
        <ForkNode key={unsent.isBack ? "back" : "fresh"} beginning={beginning} draft={draft} first={node} onChange={change} />
      </div>
    </Dialog>
  );
}

export type ForkState = "none" | "wrong" | "asking" | "ready";

/** Asks what the fork that is written would take, and begins it. */
function useForking(beginning: RunBeginning, draft: ForkDraft, onBegun: (runId: string) => void) {
  const written = JSON.stringify(forkRequest(draft, beginning));
  const settled = useSettled(written, QUIET_MS);
  const isWrong = wrongIn(draft).length > 0 || draft.question.trim() === "";
  const isMeant = isChange(JSON.parse(settled)) && !isWrong;
  const preview = useQuery({
    ...previewQuery(beginning.run_id, JSON.parse(settled)),
    enabled: isMeant,
    placeholderData: keepPreviousData,
  });
  const fork = useFork(beginning.run_id, (run) => onBegun(run.run_id));
  const isOld = settled !== written || preview.isPlaceholderData || preview.isFetching;
  const state: ForkState = isWrong ? "wrong" : !isChange(JSON.parse(written)) ? "none" : isOld ? "asking" : "ready";
  return {
    state,
    preview: isMeant && preview.error === null ? preview.data : undefined,
    error: fork.error ?? (isMeant && !isOld ? preview.error : null),
    isBeginning: fork.isPending || fork.isSuccess,
    begin: () => fork.mutate(JSON.parse(written)),
  };
}
