"use client";

// One line above every page while something is wrong.
import { useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { healthQuery } from "@/shared/api/endpoints";
import { useSession } from "@/shared/api/queries";

const LOOK_MS = 2_000;

export function Alerts() {
  const t = useTranslations("common.connection");
  const reachable = useSession((state) => state.reachable);
  const client = useQueryClient();
  const [wasLost, setWasLost] = useState(false);
  if (!reachable && !wasLost) setWasLost(true);
  // While the server is away one small question is asked again and again; everything else comes back with its answer.
  useEffect(() => {
    if (reachable) return;
    const look = () => client.fetchQuery({ ...healthQuery, staleTime: 0, retry: false }).then(() => client.invalidateQueries(), () => undefined);
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [reachable, client]);
  return (
    <div role="status" aria-live="polite">
      {!reachable && <p className="bg-warn-soft px-4 py-2 text-warn">{t("lost")}</p>}
      {reachable && wasLost && <span className="sr-only">{t("back")}</span>}
    </div>
  );
}
