"use client";

// The models in memory, each with what it takes, how it is used, and what can be done with it.
import { Pin, PinOff, Trash2 } from "lucide-react";
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { When } from "@/shared/format/when";
import { Badge, Empty } from "@/shared/ui/bits";
import { IconButton } from "@/shared/ui/button";
import { Swatch } from "./memory-bar";
import { usePin, useUnload, type Cache, type Resident } from "./memory";

/** As much as is needed to say that there is none: what stands below stays where it is while the first ones come and go. */
export const RESIDENTS_ROOM = "min-h-38.75";

export function Residents({ cache, onOpen }: { cache: Cache; onOpen: (key: string) => void }) {
  const t = useTranslations("models.memory");
  if (cache.models.length === 0)
    return (
      <div className={`border-t border-line ${RESIDENTS_ROOM}`}>
        <Empty title={t("none")}>
          <p>{t("none_hint")}</p>
        </Empty>
      </div>
    );
  return (
    <ul aria-label={t("title")} className={`divide-y divide-line border-t border-line ${RESIDENTS_ROOM}`}>
      {cache.models.map((model, index) => (
        <ResidentRow key={`${model.model_key} ${model.strategy}`} model={model} index={index} onOpen={onOpen} />
      ))}
    </ul>
  );
}

interface ResidentRowProps {
  model: Resident;
  index: number;
  onOpen: (key: string) => void;
}

function ResidentRow({ model, index, onOpen }: ResidentRowProps) {
  const t = useTranslations("models.memory");
  const figures = useFigures();
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2">
      <div className="flex min-w-0 flex-1 basis-56 flex-wrap items-center gap-2">
        <Swatch index={index} />
        <button type="button" onClick={() => onOpen(model.model_key)} className="min-w-0 truncate font-mono font-medium hover:underline">
          {model.model_key}
        </button>
        <span className="text-sm text-soft">{model.strategy}</span>
        {model.pinned && (
          <Badge tone="accent" title={t("pinned_hint")}>
            <Pin aria-hidden className="size-3" />
            {t("pinned")}
          </Badge>
        )}
        {model.in_use > 0 && <Badge tone="good">{t("in_use", { count: model.in_use })}</Badge>}
        {model.worker_pid !== null && <Badge title={t("worker_hint")}>{t("worker", { pid: String(model.worker_pid) })}</Badge>}
        {model.adapters.map((key) => (
          <Badge key={key} title={t("adapter_hint")}>
            {key}
          </Badge>
        ))}
      </div>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-soft tabular-nums">
        <span>
          {figures.gb(model.size_gb)} <span className="font-mono">{model.device}</span>
        </span>
        <span>{t("hits_of_it", { count: model.hits })}</span>
        <span>
          {t("last_used")} <When at={model.last_used_at} />
        </span>
      </div>
      <Actions model={model} />
      {model.notes.length > 0 && <p className="w-full text-sm text-soft">{model.notes.join(" ")}</p>}
    </li>
  );
}

function Actions({ model }: { model: Resident }) {
  const t = useTranslations("models.memory");
  const pin = usePin();
  const unload = useUnload();
  const key = model.model_key;
  const isBusy = model.in_use > 0;
  const PinIcon = model.pinned ? PinOff : Pin;
  return (
    <div className="ml-auto flex gap-1">
      <IconButton
        label={model.pinned ? t("unpin", { key }) : t("pin", { key })}
        size="sm"
        aria-pressed={model.pinned}
        onClick={() => pin.mutate({ key, pinned: !model.pinned })}
      >
        <PinIcon aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={isBusy ? t("unload_busy", { key }) : t("unload", { key })}
        size="sm"
        disabled={isBusy}
        onClick={() => unload.mutate(key)}
      >
        <Trash2 aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
