"use client";

// A device's memory as a bar: each model's part, what others have, what is left, and how far models may go.
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import type { Resident } from "./memory";
import { splitOf, type Device } from "./shares";

const STEPS = [1, 0.7, 0.45, 0.85, 0.55];
const WIDTH = 1000;

/** How strong the colour of the n-th model is: neighbours differ. */
export function strengthOf(index: number): number {
  return STEPS[index % STEPS.length] ?? 1;
}

interface MemoryBarProps {
  device: Device;
  models: readonly Resident[];
  /** `vram` or `ram`. */
  kind: string;
}

export function MemoryBar({ device, models, kind }: MemoryBarProps) {
  const t = useTranslations("models.memory");
  const figures = useFigures();
  const { shares, othersTo, limit } = splitOf(device, models);
  const last = shares.at(-1)?.to ?? 0;
  const figuresTold = {
    used: figures.gb(device.used_by_models_gb),
    limit: figures.gb(device.limit_gb),
    free: figures.gb(device.available_gb),
    total: figures.gb(device.total_gb),
  };
  return (
    <div className="min-w-0">
      <div className="mb-1.5 flex flex-wrap items-baseline justify-between gap-x-3 text-sm">
        <span className="font-medium">
          <span className="font-mono">{device.name}</span> <span className="text-soft">{kind.toUpperCase()}</span>
        </span>
        <span className="tabular-nums text-soft">{t("bar_words", figuresTold)}</span>
      </div>
      <svg role="img" viewBox={`0 0 ${WIDTH} 10`} preserveAspectRatio="none" className="block h-2.5 w-full rounded-sm bg-sunken">
        <title>{t("bar", { device: device.name, ...figuresTold })}</title>
        {shares.map(({ model, from, to }, index) => (
          <rect
            key={model.model_key}
            x={from * WIDTH}
            width={Math.max(2, (to - from) * WIDTH)}
            height="10"
            fillOpacity={strengthOf(index)}
            className="fill-accent"
          >
            <title>{`${model.model_key}: ${figures.gb(model.size_gb)}`}</title>
          </rect>
        ))}
        <rect x={last * WIDTH} width={Math.max(0, othersTo - last) * WIDTH} height="10" fillOpacity="0.45" className="fill-line-strong">
          <title>{t("others")}</title>
        </rect>
        {limit < 1 && <rect x={limit * WIDTH - 1} width="3" height="10" className="fill-warn" />}
      </svg>
    </div>
  );
}

/** The colour that a model has in the bar. */
export function Swatch({ index }: { index: number }) {
  return (
    <svg aria-hidden viewBox="0 0 8 8" className="size-2.5 shrink-0">
      <rect width="8" height="8" rx="2" fillOpacity={strengthOf(index)} className="fill-accent" />
    </svg>
  );
}
