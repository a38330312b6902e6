"use client";

// The settings: looks, connections, access, limits, and what the server was started with.
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import settingsWords from "@/messages/en/settings";
import { settingsQuery } from "@/shared/api/setup";
import { withWords } from "@/shared/i18n/screen-words";
import { ScreenHead, Skeleton } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { Access } from "./access";
import { Connect } from "./connect";
import { Limits } from "./limits";
import { Looks } from "./looks";
import { Places } from "./places";
import { ServerSettings } from "./server-settings";
import { Shortcuts } from "./shortcuts";
import { TestedProviders } from "./tested-providers";

export const Settings = withWords({ settings: settingsWords }, Screen);

function Screen() {
  const t = useTranslations("settings");
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")} />
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-4">
          <Looks />
          <TestedProviders />
          <Access />
          <Shortcuts />
        </div>
        <OfTheServer />
      </div>
    </>
  );
}

/** What one answer of the server tells: one wait and one failure for all of it. */
function OfTheServer() {
  const t = useTranslations("settings");
  const settings = useQuery(settingsQuery);
  if (settings.data === undefined)
    return (
      <Panel title={t("limits.title")}>
        {settings.error === null ? <Skeleton className="h-96" /> : <Problem error={settings.error} again={() => void settings.refetch()} />}
      </Panel>
    );
  // What a newcomer needs first stands first.
  const isNew = settings.data.first_run.demonstration_only;
  return (
    <div className="flex min-w-0 flex-col gap-4">
      {isNew && <Connect settings={settings.data} />}
      <Limits limits={settings.data.limits} />
      {!isNew && <Connect settings={settings.data} />}
      <Places settings={settings.data} />
      <ServerSettings settings={settings.data} />
    </div>
  );
}
