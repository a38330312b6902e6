"use client";

// Every setting of the server with its value and where it was read; of secrets only that they are there.
import { TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type words from "@/messages/en/settings";
import type { components } from "@/shared/api/schema";
import type { ServerSettings as Settings } from "@/shared/api/setup";
import { Badge } from "@/shared/ui/bits";
import { Segmented } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";

type Entry = components["schemas"]["SettingEntry"];
type Shown = "changed" | "all";

export function ServerSettings({ settings: { settings, warnings, places } }: { settings: Settings }) {
  const t = useTranslations("settings.server");
  const [shown, setShown] = useState<Shown>("changed");
  const entries = shown === "all" ? settings : settings.filter(({ origin }) => origin !== "default");
  return (
    <Panel
      title={t("title")}
      flush
      actions={
        <Segmented<Shown>
          label={t("shown")}
          hideLabel
          value={shown}
          onChange={setShown}
          options={(["changed", "all"] as const).map((value) => ({ value, label: t(value) }))}
        />
      }
    >
      <p className="px-4 pt-3 pb-2 text-sm break-words text-soft">{t("about", { file: places.dotenv })}</p>
      {warnings.length > 0 && <Warnings sentences={warnings} />}
      {entries.length === 0 && <p className="border-t border-line px-4 py-3">{t("none")}</p>}
      <ul className="divide-y divide-line border-t border-line">
        {entries.map((entry) => (
          <li key={entry.name} className="px-4 py-2">
            <One entry={entry} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Warnings({ sentences }: { sentences: readonly string[] }) {
  const t = useTranslations("settings.server");
  return (
    <div className="flex gap-2 bg-warn-soft px-4 py-2">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
      <div className="min-w-0">
        <p className="font-medium">{t("warnings")}</p>
        <ul>
          {sentences.map((sentence) => (
            <li key={sentence} className="break-words">
              {sentence}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function One({ entry: { name, value, secret, used, origin } }: { entry: Entry }) {
  const t = useTranslations("settings.server");
  const about = useAbout(name);
  const shown = value === null ? t("unset") : secret ? t("secret") : value;
  return (
    <div className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-mono text-sm break-all">{name}</p>
        <p className="text-xs text-soft">
          {about}
          {!used && ` (${t("unused")})`}
        </p>
      </div>
      <p className={`min-w-0 font-mono text-sm break-all ${value === null || secret ? "text-soft" : ""}`}>{shown}</p>
      {origin !== "default" && (
        <Badge tone="accent" title={t("origin")}>
          {t(`origins.${origin}`)}
        </Badge>
      )}
    </div>
  );
}

type Name = keyof (typeof words)["names"];

/** What a setting is for; nothing where the server is newer than this app and knows one more. */
function useAbout(name: string): string {
  const t = useTranslations("settings.names");
  return t.has(name as Name) ? t(name as Name) : "";
}
