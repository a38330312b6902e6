"use client";

// The flows that there are: to find one, open it, make, copy, bring in or delete one.
import { useQuery } from "@tanstack/react-query";
import { FileInput, Plus, Workflow } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import flowsWords from "@/messages/en/flows";
import inspectorWords from "@/messages/en/inspector";
import worthWords from "@/messages/en/worth";
import { withWords } from "@/shared/i18n/screen-words";
import { useSaid } from "@/shared/server-words";
import { Button } from "@/shared/ui/button";
import { Empty, ScreenHead, Skeleton } from "@/shared/ui/bits";
import { Segmented, TextField } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { ImportDialog } from "../transfer/import-dialog";
import { allFlowsQuery, found, type Origin } from "./all-flows";
import { FlowRow } from "./flow-row";
import { NewFlow } from "./new-flow";

const ORIGINS = ["all", "stored", "file", "library"] as const;
const AT_FIRST = 100;

export const FlowsScreen = withWords({ flows: flowsWords, inspector: inspectorWords, worth: worthWords }, Screen);

function Screen() {
  const t = useTranslations("flows");
  const [open, setOpen] = useState<"new" | "import" | null>(null);
  const close = () => setOpen(null);
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")}>
        <Button onClick={() => setOpen("import")}>
          <FileInput aria-hidden className="size-4" />
          {t("import")}
        </Button>
        <Button look="primary" onClick={() => setOpen("new")}>
          <Plus aria-hidden className="size-4" />
          {t("new.button")}
        </Button>
      </ScreenHead>
      <Flows onNew={() => setOpen("new")} />
      {open === "new" && <NewFlow onClose={close} />}
      {open === "import" && <ImportDialog onClose={close} />}
    </>
  );
}

function Flows({ onNew }: { onNew: () => void }) {
  const t = useTranslations("flows");
  const said = useSaid();
  const language = useLocale();
  const flows = useQuery(allFlowsQuery);
  const [words, setWords] = useState("");
  const [origin, setOrigin] = useState<Origin>("all");
  const [most, setMost] = useState(AT_FIRST);
  const shown = found(flows.data?.flows ?? [], useDeferredValue(words), origin, language);
  return (
    <Panel flush>
      <div className="flex flex-wrap items-end gap-3 border-b border-line px-4 py-3">
        <TextField
          hideLabel
          label={t("search")}
          placeholder={t("search")}
          type="search"
          value={words}
          onChange={(event) => setWords(event.target.value)}
          className="min-w-0 flex-1 basis-52"
        />
        <Segmented<Origin>
          hideLabel
          label={t("origin.label")}
          value={origin}
          options={ORIGINS.map((value) => ({ value, label: t(`origin.${value}`) }))}
          onChange={setOrigin}
        />
      </div>
      {flows.isPending && <Waiting />}
      {flows.error !== null && (
        <div className="p-4">
          <Problem error={flows.error} again={() => void flows.refetch()} />
        </div>
      )}
      {flows.data?.broken.map(({ file, problems }) => (
        <p key={file} className="border-b border-line bg-warn-soft px-4 py-2 text-sm text-warn">
          {t("broken", { file, problem: said(problems[0]?.said) ?? problems[0]?.message ?? "" })}
        </p>
      ))}
      <ul className="divide-y divide-line">
        {shown.slice(0, most).map((flow) => (
          <FlowRow key={flow.id} flow={flow} />
        ))}
      </ul>
      {shown.length > most && (
        <div className="flex justify-center p-3">
          <Button onClick={() => setMost(most + AT_FIRST)}>{t("more", { count: shown.length - most })}</Button>
        </div>
      )}
      {flows.data !== undefined && shown.length === 0 && (
        <Empty title={t(words === "" ? "none" : "not_found")} icon={<Workflow aria-hidden className="size-6" />}>
          <Button onClick={onNew}>{t("new.button")}</Button>
        </Empty>
      )}
    </Panel>
  );
}

function Waiting() {
  return (
    <div className="flex flex-col gap-3 p-4">
      {Array.from({ length: 7 }, (_, index) => (
        <Skeleton key={index} className="h-12" />
      ))}
    </div>
  );
}
