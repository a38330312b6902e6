"use client";

// Which models are asked now and which are left alone, and who waits for a limit.
import { useTranslations } from "use-intl";
import type { Breaker, MetricsHistory } from "@/shared/api/metrics";
import { Badge, type Tone } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";

const TONES: Record<Breaker, Tone> = { closed: "good", "half-open": "warn", open: "bad", cooling: "warn" };

export function Breakers({ history }: { history: MetricsHistory }) {
  const t = useTranslations("metrics");
  const { breakers, worst_breakers: worst } = history;
  const models = Object.keys({ ...breakers, ...worst }).sort();
  const waiting = Object.entries(history.waiting).filter(([, count]) => count > 0);
  return (
    <Panel title={t("breakers")}>
      {models.length === 0 && <p className="text-soft">{t("breakers_none")}</p>}
      <ul className="flex flex-col divide-y divide-line">
        {models.map((model) => {
          const state = breakers[model] ?? "closed";
          const was = worst[model];
          return (
            <li key={model} className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1 py-2 first:pt-0 last:pb-0">
              <span className="min-w-0 font-medium break-all">{model}</span>
              <span className="flex flex-wrap items-center gap-2 text-xs text-soft">
                {was !== undefined && was !== state && t("was", { state: t(`breaker.${was}`) })}
                <Badge tone={TONES[state]} title={t(`breaker_hint.${state}`)}>
                  {t(`breaker.${state}`)}
                </Badge>
              </span>
            </li>
          );
        })}
      </ul>
      {waiting.map(([provider, count]) => (
        <p key={provider} className="mt-2 text-sm text-warn">
          {t("waiting_for", { provider, count })}
        </p>
      ))}
    </Panel>
  );
}
