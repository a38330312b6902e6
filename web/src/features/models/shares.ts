// How the memory of a device is taken up: by each model, by everything else, and what is left; pure.
import type { components } from "@/shared/api/schema";
import type { Cache, Resident } from "./memory";

export type Device = components["schemas"]["DeviceInfo"];

export interface Share {
  model: Resident;
  gb: number;
  /** Of the device, 0 to 1. */
  from: number;
  to: number;
}

export interface Split {
  shares: Share[];
  /** What others than models have taken, 0 to 1, from the end of the models on. */
  othersTo: number;
  /** Where the limit of models stands, 0 to 1. */
  limit: number;
}

/** The devices of a machine; one that tells no single ones is one itself. */
export function devicesOf({ memory }: Cache): Device[] {
  if (memory.devices !== undefined && memory.devices.length > 0) return memory.devices;
  const { total_gb, available_gb, limit_gb, used_by_models_gb } = memory;
  return [{ name: memory.device, total_gb, available_gb, limit_gb, used_by_models_gb }];
}

/** How much of a model is on a device: one that is spread over several is taken to lie on each in equal parts. */
export function gbOn(model: Resident, device: string): number {
  const on = model.device.split("+");
  return on.includes(device) ? model.size_gb / on.length : 0;
}

export function splitOf(device: Device, models: readonly Resident[]): Split {
  const total = Math.max(device.total_gb, Number.EPSILON);
  let from = 0;
  const shares = models
    .map((model) => ({ model, gb: gbOn(model, device.name) }))
    .filter(({ gb }) => gb > 0)
    .map(({ model, gb }) => {
      const to = Math.min(1, from + gb / total);
      const share = { model, gb, from, to };
      from = to;
      return share;
    });
  const others = Math.max(0, device.total_gb - device.available_gb - device.used_by_models_gb);
  return { shares, othersTo: Math.min(1, from + others / total), limit: Math.min(1, device.limit_gb / total) };
}

/** Of the requests that needed a local model, those that found it in memory; null before the first. */
export function hitRatio({ counts }: Cache): number | null {
  const asked = counts.hits + counts.loads;
  return asked === 0 ? null : counts.hits / asked;
}
