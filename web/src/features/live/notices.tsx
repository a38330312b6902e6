"use client";

// What stands above everything else on a run's screen: that it failed, that it waits, that the connection is lost.
import { TriangleAlert, WifiOff } from "lucide-react";
import { useTranslations } from "use-intl";
import type { Fault } from "@/run/events";
import { useConnection, useNode, useRunState, useRunView } from "@/shared/run/run";
import { Button } from "@/shared/ui/button";
import { ServerText } from "@/shared/ui/server-text";
import { showTurn } from "./anchors";
import { useRunHere } from "./here";
import { TroubleText } from "./trouble";

export function Notices() {
  const run = useRunHere();
  const fault = useRunView(run)?.fault ?? null;
  return (
    <>
      <ConnectionNotice />
      {fault !== null && <FaultNotice fault={fault} />}
    </>
  );
}

/** The first attempts to come back take less than a second: nobody needs to hear of those. */
const UNSAID_ATTEMPTS = 1;

function ConnectionNotice() {
  const t = useTranslations("live.connection");
  const run = useRunHere();
  const connection = useConnection(run);
  const isOutdated = useRunState(run, (state) => state.isOutdated);
  const isLost = connection.state === "lost" && connection.attempt > UNSAID_ATTEMPTS;
  return (
    <div role="status" aria-live="polite">
      {isOutdated && (
        <p className="mb-3 flex flex-wrap items-center gap-2 rounded-md bg-warn-soft px-3 py-2">
          {t("outdated")}
          <Button size="sm" onClick={() => location.reload()}>
            {t("reload")}
          </Button>
        </p>
      )}
      {isLost && (
        <p className="mb-3 flex flex-wrap items-center gap-2 rounded-md bg-warn-soft px-3 py-2 text-warn">
          <WifiOff aria-hidden className="size-4" />
          <span className="min-w-0 flex-1"><TroubleText trouble={connection.trouble} otherwise={t("lost")} /></span>
          <Button size="sm" onClick={run.retry}>
            {t("now")}
          </Button>
        </p>
      )}
    </div>
  );
}

function FaultNotice({ fault }: { fault: Fault }) {
  const t = useTranslations("live.fault");
  const run = useRunHere();
  const node = useNode(run, fault.node ?? "");
  const show = () => node && showTurn(node.id, node.visits);
  return (
    <div role="alert" className="mb-3 flex flex-wrap items-start gap-x-3 gap-y-2 rounded-md bg-bad-soft px-3 py-2">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0 flex-1 basis-60">
        <p className="font-medium">{node === undefined ? t("run") : t("node", { label: node.label })}</p>
        <p className="[overflow-wrap:anywhere]"><ServerText text={fault.message} said={fault.said} /></p>
        <p className="text-sm text-soft">{t("todo")}</p>
      </div>
      {node !== undefined && (
        <Button size="sm" onClick={show}>
          {t("show")}
        </Button>
      )}
    </div>
  );
}
