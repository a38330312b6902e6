"use client";

// The providers, whether their keys are there, and a button that finds out whether they answer.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";
import { useTranslations } from "use-intl";
import { api, told } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";
import { providersQuery, settingsQuery, type Provider } from "@/shared/api/setup";
import { useFigures } from "@/shared/format/figures";
import { Badge, Skeleton, type Tone } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { ServerText } from "@/shared/ui/server-text";

type Tested = components["schemas"]["TestedConnection"];
const TONES: Record<Provider["key"], Tone> = { present: "good", missing: "warn", "not needed": "plain" };

/** A row for each provider that the models of a new server have. */
const USUAL = ["first", "second", "third", "fourth"];

export function TestedProviders() {
  const t = useTranslations("settings.providers");
  const providers = useQuery(providersQuery);
  const settings = useQuery(settingsQuery);
  const all = providers.data?.providers ?? [];
  const used = all.filter(({ models }) => models.length > 0);
  const others = all.filter(({ models }) => models.length === 0);
  return (
    <Panel title={t("title")} flush>
      <p className="px-4 pt-3 pb-2 text-sm break-words text-soft">{t("about", { file: settings.data?.places.dotenv ?? ".env" })}</p>
      {providers.isPending && (
        <div className="divide-y divide-line border-t border-line">
          {USUAL.map((row) => (
            <div key={row} className="h-23 px-4 py-3 sm:h-14.75">
              <Skeleton className="h-full" />
            </div>
          ))}
          <div className="h-10.25" />
        </div>
      )}
      {providers.error !== null && providers.data === undefined && (
        <div className="p-4">
          <Problem error={providers.error} again={() => void providers.refetch()} />
        </div>
      )}
      {used.length > 0 && <List providers={used} />}
      {others.length > 0 && (
        <details className="border-t border-line">
          <summary className="px-4 py-2.5 text-sm text-soft hover:text-ink">{t("others", { count: others.length })}</summary>
          <List providers={others} />
        </details>
      )}
    </Panel>
  );
}

function List({ providers }: { providers: readonly Provider[] }) {
  return (
    <ul className="divide-y divide-line border-t border-line">
      {providers.map((provider) => (
        <li key={provider.name} className="px-4 py-3">
          <One provider={provider} />
        </li>
      ))}
    </ul>
  );
}

function One({ provider }: { provider: Provider }) {
  const t = useTranslations("settings.providers");
  const client = useQueryClient();
  const { name, host, key, key_name: keyName, key_origin: origin } = provider;
  const test = useMutation({
    mutationFn: () => told(api.POST("/api/providers/{name}/test", { params: { path: { name } } })),
    onSettled: () => client.invalidateQueries({ queryKey: providersQuery.queryKey }),
  });
  return (
    <div>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-52">
          <p className="flex flex-wrap items-center gap-2">
            <span className="font-medium">{name}</span>
            <Badge tone={TONES[key]}>{t(`key.${key}`)}</Badge>
          </p>
          <p className="text-xs break-words text-soft">
            {host !== null && <span className="font-mono">{host}</span>}
            {keyName !== null && (
              <>
                {host !== null && " · "}
                <span className="font-mono">{keyName}</span> {origin !== null && t(`origin.${origin}`)}
              </>
            )}
          </p>
        </div>
        <Button size="sm" busy={test.isPending} aria-label={`${t("test")}: ${name}`} onClick={() => test.mutate()}>
          {t("test")}
        </Button>
      </div>
      <div aria-live="polite">
        {test.error !== null && <Problem error={test.error} />}
        {test.data !== undefined && !test.isPending && <Outcome tested={test.data} />}
      </div>
    </div>
  );
}

function Outcome({ tested }: { tested: Tested }) {
  const t = useTranslations("settings.providers");
  const figures = useFigures();
  const Icon = tested.ok ? CircleCheck : CircleX;
  const call = t(`call.${tested.call}`, { model: tested.model ?? "" });
  return (
    <div className={`mt-2 flex gap-2 rounded-md px-3 py-2 ${tested.ok ? "bg-good-soft" : "bg-bad-soft"}`}>
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${tested.ok ? "text-good" : "text-bad"}`} />
      <div className="min-w-0">
        <p className="break-words">
          <strong className="font-medium">{tested.ok ? t("ok") : t("failed")}.</strong> <ServerText text={tested.sentence} />
        </p>
        <p className="text-xs text-soft">{t("took", { call, time: figures.seconds(tested.seconds) })}</p>
      </div>
    </div>
  );
}
