"use client";

// The shortest ways to a real model: what to write into which file.
import { Sparkles } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { components } from "@/shared/api/schema";
import type { ServerSettings } from "@/shared/api/setup";
import { CopyButton } from "@/shared/ui/copy";
import { Panel } from "@/shared/ui/panel";

type Way = components["schemas"]["WayEntry"];

export function Connect({ settings: { first_run: first } }: { settings: ServerSettings }) {
  const t = useTranslations("settings.connect");
  return (
    <Panel title={t("title")} flush>
      <p className={`flex gap-2 px-4 py-3 ${first.demonstration_only ? "bg-accent-soft" : "text-soft"}`}>
        {first.demonstration_only && <Sparkles aria-hidden className="mt-0.5 size-4 shrink-0 text-accent" />}
        {first.demonstration_only ? t("only_demo") : t("already")}
      </p>
      <ul className="divide-y divide-line border-t border-line">
        {first.ways.map((way) => (
          <li key={`${way.kind} ${way.provider ?? ""}`}>
            <OneWay way={way} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function OneWay({ way }: { way: Way }) {
  const t = useTranslations("settings.connect");
  const file = () => <code className="font-mono text-sm break-all text-ink">{way.file}</code>;
  const about: Record<Way["kind"], ReactNode> = {
    key: t.rich("key_about", { file, models: () => <Models keys={way.models} /> }),
    hub: t.rich("hub_about", { file }),
    server: t.rich("server_about", { file }),
  };
  const title = way.kind === "key" ? t("key", { provider: way.provider ?? "" }) : t(way.kind);
  return (
    <details className="group">
      <summary className="px-4 py-2.5 font-medium hover:bg-sunken">{title}</summary>
      <div className="flex flex-col gap-2 px-4 pb-4">
        <p className="text-sm break-words text-soft">{about[way.kind]}</p>
        <div className="relative rounded-md border border-line bg-sunken">
          <pre tabIndex={0} className="overflow-x-auto p-3 pr-12 font-mono text-sm">
            {way.text.trimEnd()}
          </pre>
          <div className="absolute top-1.5 right-1.5">
            <CopyButton text={way.text} small />
          </div>
        </div>
      </div>
    </details>
  );
}

function Models({ keys }: { keys: readonly string[] }) {
  const t = useTranslations("settings.connect");
  const [first, ...rest] = keys;
  const words = rest.length === 0 ? (first ?? "") : t("more", { first: first ?? "", count: rest.length });
  return <span title={keys.join(", ")}>{words}</span>;
}
