"use client";

// The models on their way into memory: those asked for here, told as they go, and those that others asked for.
import { X } from "lucide-react";
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { Meter } from "@/shared/ui/bits";
import { IconButton } from "@/shared/ui/button";
import { Problem } from "@/shared/ui/problem";
import { forget, shareOf, useLoadings, type Loading } from "./loading";
import type { LoadState } from "./memory";

const GB = 1e9;

type Told = Omit<Loading, "wish">;

/** A load that was lost sight of here and goes on at the server is told as the server tells it. */
export function LoadingRows({ polled, onOpen }: { polled: readonly LoadState[]; onOpen: (key: string) => void }) {
  const own = useLoadings();
  const rows = new Map<string, Told>(polled.map((state) => [state.model_key, { state, error: null }]));
  for (const [key, loading] of Object.entries(own)) rows.set(key, loading.state === null ? (rows.get(key) ?? loading) : loading);
  if (rows.size === 0) return null;
  return (
    <ul className="divide-y divide-line border-t border-line">
      {[...rows].map(([key, loading]) => (
        <li key={key} className="px-4 py-2">
          <LoadingRow modelKey={key} loading={loading} onOpen={onOpen} />
        </li>
      ))}
    </ul>
  );
}

function LoadingRow({ modelKey, loading, onOpen }: { modelKey: string; loading: Told; onOpen: (key: string) => void }) {
  const t = useTranslations("models.memory");
  if (loading.error !== null)
    return (
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <p className="mb-1 font-mono font-medium">{modelKey}</p>
          <Problem error={loading.error} />
        </div>
        <IconButton label={t("dismiss", { key: modelKey })} size="sm" onClick={() => forget(modelKey)}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
    );
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1.5">
      <button type="button" onClick={() => onOpen(modelKey)} className="font-mono font-medium hover:underline">
        {modelKey}
      </button>
      <div className="min-w-32 flex-1">
        <LoadProgress modelKey={modelKey} state={loading.state} />
      </div>
    </div>
  );
}

/** A bar and its words; the words alone while nobody can tell how much is left. */
export function LoadProgress({ modelKey, state }: { modelKey: string; state: LoadState | null }) {
  const t = useTranslations("models.memory");
  const figures = useFigures();
  const share = shareOf(state);
  const parts = [t(`stage.${state?.stage ?? "waiting"}`)];
  if (state !== null && state.total_bytes !== null && state.total_bytes > 0)
    parts.push(t("bytes", { done: figures.gb(state.done_bytes / GB), total: figures.gb(state.total_bytes / GB) }));
  if (state !== null && state.seconds_left !== null) parts.push(t("left", { time: figures.about(state.seconds_left) }));
  const words = parts.join(" · ");
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <div className="min-w-24 flex-1">
        <Meter label={t("loading", { key: modelKey })} value={share ?? 0} text={words} />
      </div>
      <span className="text-sm tabular-nums text-soft">{words}</span>
    </div>
  );
}
