"use client";

// One line above every page while something is wrong.
import { X } from "lucide-react";
import Link from "next/link";
import { useEffect, useState } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { healthQuery } from "@/shared/api/endpoints";
import { alertsQuery } from "@/shared/api/metrics";
import { useSession } from "@/shared/api/queries";
import { IconButton } from "@/shared/ui/button";
import { AlertIcon } from "./alert-list";
import { placeOf, useAlertSentence } from "./alert-words";
import { shown, useHiddenAlerts } from "./hidden-alerts";

const LOOK_MS = 2_000;

export function Alerts() {
  const t = useTranslations("common.connection");
  const reachable = useSession((state) => state.reachable);
  const client = useQueryClient();
  const [wasLost, setWasLost] = useState(false);
  if (!reachable && !wasLost) setWasLost(true);
  // While the server is away one small question is asked again and again; with the first answer, to this question or to any
  // other, everything comes back.
  useEffect(() => {
    if (reachable) return;
    const look = () => client.fetchQuery({ ...healthQuery, staleTime: 0, retry: false }).catch(() => undefined);
    const timer = setInterval(look, LOOK_MS);
    return () => {
      clearInterval(timer);
      void client.invalidateQueries();
    };
  }, [reachable, client]);
  return (
    <div role="status" aria-live="polite">
      {!reachable && <p className="bg-warn-soft px-4 py-2 text-warn">{t("lost")}</p>}
      {reachable && wasLost && <span className="sr-only">{t("back")}</span>}
      {reachable && <WorstAlert />}
    </div>
  );
}

/** The worst of what is wrong with the lab, until it is hidden or mended. */
function WorstAlert() {
  const t = useTranslations("alerts");
  const sentence = useAlertSentence();
  const { data } = useQuery(alertsQuery);
  const { hidden, hide, settle } = useHiddenAlerts();
  useEffect(() => {
    if (data !== undefined) settle(data.alerts);
  }, [data, settle]);
  const [worst, ...others] = shown(data?.alerts ?? [], hidden);
  if (worst === undefined) return null;
  const looks = worst.severity === "critical" ? "bg-bad-soft" : "bg-warn-soft";
  return (
    <div className={`flex items-center gap-2 px-4 py-1 md:px-6 ${looks}`}>
      <AlertIcon severity={worst.severity} />
      <p className="line-clamp-2 min-w-0 flex-1 md:line-clamp-1" title={sentence(worst)}>
        {sentence(worst)}
      </p>
      {others.length > 0 && (
        <Link href="/metrics" prefetch={false} className="shrink-0 py-0.5 text-sm whitespace-nowrap underline">
          {t("more", { count: others.length })}
        </Link>
      )}
      <Link href={`/${placeOf(worst)}`} prefetch={false} className="shrink-0 py-0.5 text-sm font-medium whitespace-nowrap underline">
        {t(`go.${placeOf(worst)}`)}
      </Link>
      <IconButton label={t("dismiss")} size="sm" onClick={() => hide(worst)}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
