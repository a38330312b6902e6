"use client";

// Everything that is wrong, each with what to do and the way to where it is done.
import { OctagonAlert, TriangleAlert } from "lucide-react";
import { useTranslations } from "use-intl";
import type { Alert } from "@/shared/api/metrics";
import { ButtonLink } from "@/shared/ui/button";
import { placeOf, useAlertSentence } from "./alert-words";

export function AlertIcon({ severity }: { severity: Alert["severity"] }) {
  const t = useTranslations("alerts");
  const Icon = severity === "critical" ? OctagonAlert : TriangleAlert;
  return (
    <>
      <Icon aria-hidden className={`size-4 shrink-0 ${severity === "critical" ? "text-bad" : "text-warn"}`} />
      <span className="sr-only">{t(severity)}: </span>
    </>
  );
}

export function AlertList({ alerts }: { alerts: readonly Alert[] }) {
  const t = useTranslations("alerts");
  const sentence = useAlertSentence();
  return (
    <ul className="divide-y divide-line">
      {alerts.map((alert) => (
        <li key={alert.id} className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-2.5">
          <AlertIcon severity={alert.severity} />
          <span className="min-w-0 flex-1 basis-60 break-words">{sentence(alert)}</span>
          <ButtonLink href={`/${placeOf(alert)}`} size="sm">
            {t(`go.${placeOf(alert)}`)}
          </ButtonLink>
        </li>
      ))}
    </ul>
  );
}
