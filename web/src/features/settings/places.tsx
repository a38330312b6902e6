"use client";

// Which version this is, and where its files are on the server's machine.
import { useTranslations } from "use-intl";
import { API_URL } from "@/shared/api/client";
import type { ServerSettings } from "@/shared/api/setup";
import { CopyButton } from "@/shared/ui/copy";
import { Panel } from "@/shared/ui/panel";

const KINDS = ["configuration", "data", "database", "dotenv"] as const;

export function Places({ settings: { places, version } }: { settings: ServerSettings }) {
  const t = useTranslations("settings.places");
  return (
    <Panel title={t("title")} flush>
      <dl className="divide-y divide-line">
        {KINDS.map((kind) => (
          <div key={kind} className="py-1.5 pr-2 pl-4">
            <dt className="text-sm text-soft">{t(kind)}</dt>
            <dd className="flex items-center justify-between gap-2">
              <span className="min-w-0 font-mono text-sm break-all">{places[kind]}</span>
              <CopyButton text={places[kind]} small />
            </dd>
          </div>
        ))}
        <div className="flex items-baseline justify-between gap-4 px-4 py-2">
          <dt className="text-sm text-soft">{t("version")}</dt>
          <dd className="font-mono text-sm">{version}</dd>
        </div>
        <div className="flex items-baseline justify-between gap-4 px-4 py-2">
          <dt className="text-sm text-soft">{t("api")}</dt>
          <dd>
            {/* The server answers there, not a page of this app. */}
            <a href={`${API_URL}/openapi.json`} className="inline-block py-0.5 font-mono text-sm text-accent hover:underline">
              /openapi.json
            </a>
          </dd>
        </div>
      </dl>
    </Panel>
  );
}
