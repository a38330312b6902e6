"use client";

// The machine as it is now: memory of each device, and the disk.
import { useTranslations } from "use-intl";
import type { MetricsHistory } from "@/shared/api/metrics";
import { useFigures } from "@/shared/format/figures";
import { Meter } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";

const NEARLY_FULL = 0.9;
const FULL = 0.95;

interface RowProps {
  label: string;
  share: number;
  text: string;
  more?: string;
  /** Busy is no fault, full is one. */
  isWork?: boolean;
}

function Row({ label, share, text, more, isWork = false }: RowProps) {
  const tone = isWork || share < NEARLY_FULL ? "accent" : share < FULL ? "warn" : "bad";
  return (
    <li className="flex flex-col gap-1">
      <div className="flex flex-wrap items-baseline justify-between gap-x-3">
        <span className="font-medium">{label}</span>
        <span className="text-sm text-soft tabular-nums">{text}</span>
      </div>
      <Meter label={label} value={share} text={text} tone={tone} />
      {more !== undefined && <span className="text-xs text-soft tabular-nums">{more}</span>}
    </li>
  );
}

export function MachineNow({ machine }: { machine: MetricsHistory["machine"] }) {
  const t = useTranslations("metrics");
  const figures = useFigures();
  const { cpu_percent: cpu, ram_used_gb: used, ram_total_gb: total, disk_free_gb: free, disk_total_gb: disk } = machine;
  const inRam = machine.devices.find(({ name }) => name === "cpu");
  const byModels = (device: (typeof machine.devices)[number]) =>
    t("by_models", { used: figures.gb(device.used_by_models_gb), limit: figures.gb(device.limit_gb) });
  return (
    <Panel title={t("machine")}>
      <ul className="grid gap-x-8 gap-y-4 sm:grid-cols-2 xl:grid-cols-[repeat(auto-fit,minmax(14rem,1fr))]">
        <Row isWork label={t("cpu")} share={(cpu ?? 0) / 100} text={cpu === null ? "–" : figures.share(cpu / 100)} />
        <Row
          label={t("ram")}
          share={total === 0 ? 0 : used / total}
          text={t("of", { used: figures.gb(used), total: figures.gb(total) })}
          {...(inRam !== undefined && { more: byModels(inRam) })}
        />
        {machine.devices
          .filter(({ name }) => name !== "cpu")
          .map((device) => (
            <Row
              key={device.name}
              label={device.name}
              share={device.total_gb === 0 ? 0 : device.used_gb / device.total_gb}
              text={t("of", { used: figures.gb(device.used_gb), total: figures.gb(device.total_gb) })}
              more={[
                byModels(device),
                ...(device.utilisation_percent == null ? [] : [t("busy", { share: figures.share(device.utilisation_percent / 100) })]),
              ].join(" · ")}
            />
          ))}
        {free !== null && disk !== null && (
          <Row
            label={t("disk")}
            share={disk === 0 ? 0 : 1 - free / disk}
            text={t("disk_free", { free: figures.gb(free), total: figures.gb(disk) })}
          />
        )}
      </ul>
    </Panel>
  );
}
