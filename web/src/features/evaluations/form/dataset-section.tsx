"use client";

// Which questions: a dataset, the part of it, and its first items to look at.
import { useQuery } from "@tanstack/react-query";
import { Trash2, Upload } from "lucide-react";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Skeleton } from "@/shared/ui/bits";
import { Button, IconButton } from "@/shared/ui/button";
import { Checkbox, Select, TextField } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { datasetItemsQuery, datasetsQuery, useForget, type Dataset } from "../api";
import { useDraft, type Draft } from "./draft";
import { ItemsPreview } from "./items-preview";
import { UploadDialog } from "./upload-dialog";
import { useWrongNumber } from "./wrong";

const BUILT_IN = "demo";

export function DatasetSection() {
  const t = useTranslations("evaluations.form");
  const datasets = useQuery(datasetsQuery);
  const { dataset, change } = useDraft();
  const [isUploading, setUploading] = useState(false);
  const found = datasets.data?.datasets.find(({ name }) => name === dataset);
  return (
    <Panel
      title={t("dataset")}
      actions={
        <Button size="sm" onClick={() => setUploading(true)}>
          <Upload aria-hidden className="size-4" />
          {t("upload")}
        </Button>
      }
    >
      {datasets.error !== null && datasets.data === undefined && <Problem error={datasets.error} again={() => void datasets.refetch()} />}
      <div className="flex flex-col gap-3">
        <div className="flex items-end gap-2">
          <Select
            label={t("dataset_pick")}
            value={dataset}
            onChange={(event) => change({ dataset: event.target.value, split: "" })}
            className="max-w-xl flex-1"
          >
            <DatasetOptions datasets={datasets.data?.datasets} chosen={dataset} />
          </Select>
          {dataset !== BUILT_IN && found !== undefined && <Forget name={dataset} />}
        </div>
        <Part dataset={found} />
        <First name={dataset} />
      </div>
      {isUploading && <UploadDialog onClose={() => setUploading(false)} onKept={({ name }) => change({ dataset: name, split: "", limit: "" })} />}
    </Panel>
  );
}

/** The built-in one first. One that was chosen and is gone since stays in sight, so that the server can say so. */
export function DatasetOptions({ datasets = [], chosen }: { datasets: readonly Dataset[] | undefined; chosen: string }) {
  const t = useTranslations("evaluations.form");
  const others = datasets.filter(({ name }) => name !== BUILT_IN);
  return (
    <>
      <option value={BUILT_IN}>{t("demo")}</option>
      {chosen !== BUILT_IN && !others.some(({ name }) => name === chosen) && <option value={chosen}>{chosen}</option>}
      {others.map(({ name, items }) => (
        <option key={name} value={name}>
          {t("dataset_option", { name, items })}
        </option>
      ))}
    </>
  );
}

function Forget({ name }: { name: string }) {
  const t = useTranslations("evaluations.form");
  const change = useDraft((draft) => draft.change);
  const forget = useForget((forgotten) => {
    change({ dataset: BUILT_IN, split: "" });
    toast(t("forgotten", { name: forgotten }));
  });
  return (
    <IconButton label={t("forget")} busy={forget.isPending} onClick={() => forget.mutate(name)}>
      <Trash2 aria-hidden className="size-4" />
    </IconButton>
  );
}

function Part({ dataset }: { dataset: Dataset | undefined }) {
  const t = useTranslations("evaluations.form");
  const { split, limit, shuffled, change } = useDraft();
  const wrong = useWrongNumber();
  const [tune, test] = [dataset?.tune ?? 0, dataset?.test ?? 0];
  return (
    <div className="grid items-start gap-3 sm:grid-cols-2">
      <TextField
        label={t("limit")}
        hint={t("limit_hint")}
        inputMode="numeric"
        value={limit}
        {...wrong("limit")}
        placeholder={dataset === undefined ? "" : String(dataset.items)}
        onChange={(event) => change({ limit: event.target.value })}
      />
      {tune > 0 && test > 0 && (
        <Select label={t("split")} value={split} onChange={(event) => change({ split: event.target.value as Draft["split"] })}>
          <option value="">{t("split_all")}</option>
          <option value="tune">{t("split_tune", { count: tune })}</option>
          <option value="test">{t("split_test", { count: test })}</option>
        </Select>
      )}
      <Checkbox className="sm:col-span-2" label={t("shuffled")} checked={shuffled} onChange={(event) => change({ shuffled: event.target.checked })} />
    </div>
  );
}

function First({ name }: { name: string }) {
  const t = useTranslations("evaluations.form");
  const items = useQuery(datasetItemsQuery(name));
  return (
    <section aria-label={t("first_items")} className="min-h-36">
      <p className="mb-1 text-sm text-soft">{t("first_items")}</p>
      {items.data !== undefined && <ItemsPreview items={items.data.items} />}
      {items.isPending && <Skeleton className="h-28" />}
      {items.error !== null && <Problem error={items.error} again={() => void items.refetch()} />}
    </section>
  );
}
