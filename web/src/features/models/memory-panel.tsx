"use client";

// What is in memory: each device with its models, those on their way, and what was counted since the start.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { Skeleton } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { LoadingRows } from "./loading-rows";
import { cacheQuery, useClear, type Cache } from "./memory";
import { MemoryBar } from "./memory-bar";
import { Residents, RESIDENTS_ROOM } from "./residents";
import { devicesOf, hitRatio } from "./shares";

export function MemoryPanel({ onOpen }: { onOpen: (key: string) => void }) {
  const t = useTranslations("models.memory");
  const cache = useQuery(cacheQuery);
  return (
    <Panel title={t("title")} flush actions={cache.data !== undefined && <Clear cache={cache.data} />}>
      {cache.isPending && (
        <div className="divide-y divide-line">
          <div className="p-4 pb-3">
            <Skeleton className="h-14 sm:h-9" />
          </div>
          <div className={`p-4 ${RESIDENTS_ROOM}`} />
          <div className="px-4 py-2.5">
            <Skeleton className="h-11 sm:h-5" />
          </div>
        </div>
      )}
      {cache.error !== null && cache.data === undefined && (
        <div className="p-4">
          <Problem error={cache.error} again={() => void cache.refetch()} />
        </div>
      )}
      {cache.data !== undefined && <Memory cache={cache.data} onOpen={onOpen} />}
    </Panel>
  );
}

function Memory({ cache, onOpen }: { cache: Cache; onOpen: (key: string) => void }) {
  return (
    <>
      <div className="grid gap-x-8 gap-y-4 p-4 pb-3 lg:grid-cols-2 lg:first:*:only:col-span-2">
        {devicesOf(cache).map((device) => (
          <MemoryBar key={device.name} device={device} models={cache.models} kind={cache.memory.memory} />
        ))}
      </div>
      <LoadingRows polled={cache.loading} onOpen={onOpen} />
      <Residents cache={cache} onOpen={onOpen} />
      <Counts cache={cache} />
    </>
  );
}

function Counts({ cache }: { cache: Cache }) {
  const t = useTranslations("models.memory");
  const figures = useFigures();
  const { counts } = cache;
  const ratio = hitRatio(cache);
  const told: [string, string, string][] = [
    [t("hits"), ratio === null ? "0" : `${figures.number(counts.hits)} (${figures.share(ratio)})`, t("hits_hint")],
    [t("misses"), figures.number(counts.loads), t("misses_hint")],
    [t("evictions"), figures.number(counts.evictions), t("evictions_hint")],
    [t("refused"), figures.number(counts.refused), t("refused_hint")],
    [t("waiting"), figures.number(counts.waiting), t("waiting_hint")],
  ];
  if (counts.lost > 0) told.push([t("lost"), figures.number(counts.lost), t("lost_hint")]);
  return (
    <dl className="flex flex-wrap gap-x-6 gap-y-1 border-t border-line px-4 py-2.5 text-sm">
      {told.map(([name, value, hint]) => (
        <div key={name} title={hint} className="flex gap-1.5">
          <dt className="text-soft">{name}</dt>
          <dd className="font-medium tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Asks first: what is put out must be read again at its next question. */
function Clear({ cache }: { cache: Cache }) {
  const t = useTranslations("models.memory");
  const tc = useTranslations("common.actions");
  const [isAsking, setAsking] = useState(false);
  const clear = useClear();
  const idle = cache.models.filter((model) => model.in_use === 0).map((model) => model.model_key);
  return (
    <>
      <Button size="sm" disabled={idle.length === 0} busy={clear.isPending} onClick={() => setAsking(true)}>
        {t("clear")}
      </Button>
      <Dialog
        title={t("clear_title", { count: idle.length })}
        open={isAsking}
        onClose={() => setAsking(false)}
        footer={
          <>
            <Button onClick={() => setAsking(false)}>{tc("cancel")}</Button>
            <Button
              look="danger"
              onClick={() => {
                clear.mutate();
                setAsking(false);
              }}
            >
              {t("clear_do")}
            </Button>
          </>
        }
      >
        <p>{t("clear_body")}</p>
        <ul className="mt-2 list-disc pl-5 font-mono text-sm">
          {idle.map((key) => (
            <li key={key}>{key}</li>
          ))}
        </ul>
      </Dialog>
    </>
  );
}
