"use client";

// Who serves the models: protocol, host, key, and which of their models are left alone after failures.
import { useQuery } from "@tanstack/react-query";
import { useLocale, useTranslations } from "use-intl";
import { providersQuery, type Provider } from "@/shared/api/setup";
import { Badge, Skeleton, type Tone } from "@/shared/ui/bits";
import { ButtonLink } from "@/shared/ui/button";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";

const LOOK_MS = 10_000;
const TONES: Record<Provider["state"], Tone> = {
  ready: "good",
  "no key": "warn",
  offline: "plain",
  "not installed": "warn",
  broken: "bad",
};

export function Providers({ onOpen }: { onOpen: (key: string) => void }) {
  const t = useTranslations("models.providers");
  const providers = useQuery({ ...providersQuery, refetchInterval: LOOK_MS });
  if (providers.data === undefined)
    return (
      <Panel>
        {providers.error === null ? <Skeleton className="h-96" /> : <Problem error={providers.error} again={() => void providers.refetch()} />}
      </Panel>
    );
  const [used, others] = partition(providers.data.providers);
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p className="text-soft">{t("about")}</p>
        <ButtonLink href="/settings" size="sm">
          {t("test")}
        </ButtonLink>
      </div>
      <List providers={used} onOpen={onOpen} />
      {others.length > 0 && (
        <details>
          <summary className="w-fit text-soft hover:text-ink">{t("others", { count: others.length })}</summary>
          <div className="mt-3">
            <List providers={others} onOpen={onOpen} />
          </div>
        </details>
      )}
    </div>
  );
}

/** Those that a model is of, and those that are only known. */
function partition(providers: readonly Provider[]): [Provider[], Provider[]] {
  return [providers.filter(({ models }) => models.length > 0), providers.filter(({ models }) => models.length === 0)];
}

function List({ providers, onOpen }: { providers: readonly Provider[]; onOpen: (key: string) => void }) {
  return (
    <ul className="grid gap-3 lg:grid-cols-2">
      {providers.map((provider) => (
        <li key={provider.name} className="flex min-w-0 flex-col gap-2 rounded-lg border border-line bg-surface p-4">
          <One provider={provider} onOpen={onOpen} />
        </li>
      ))}
    </ul>
  );
}

/** What is missing and what to do: in English in the server's words, which name the very file. */
function WhyNot({ provider }: { provider: Provider }) {
  const t = useTranslations("models.providers.why");
  const locale = useLocale();
  const { name, state, protocol, key_name, why_not } = provider;
  if (why_not === null || state === "ready") return null;
  const extra = protocol === "local" ? "local" : "hosted";
  return <p className="text-sm break-words">{locale === "en" ? why_not : t(state, { name, key: key_name ?? "", extra })}</p>;
}

function One({ provider, onOpen }: { provider: Provider; onOpen: (key: string) => void }) {
  const t = useTranslations("models.providers");
  const troubled = provider.models.filter(({ breaker }) => breaker !== null && breaker !== "closed");
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="font-semibold">{provider.name}</h3>
        <Badge tone={TONES[provider.state]}>{t(`state.${provider.state}`)}</Badge>
        <span className="ml-auto text-sm text-soft">{t("models", { count: provider.models.length })}</span>
      </div>
      <p className="text-sm break-words text-soft">
        {t(`protocol.${provider.protocol}`)}
        {provider.host !== null && (
          <>
            {" · "}
            <span className="font-mono">{provider.host}</span>
          </>
        )}
        {provider.key_name !== null && (
          <>
            {" · "}
            <span className="font-mono">{provider.key_name}</span>
          </>
        )}
      </p>
      <WhyNot provider={provider} />
      {troubled.length > 0 && (
        <ul className="flex flex-col gap-1">
          {troubled.map(({ key, breaker }) => (
            <li key={key} className="flex flex-wrap items-center gap-2">
              <button type="button" onClick={() => onOpen(key)} className="font-mono text-accent hover:underline">
                {key}
              </button>
              <Badge tone={breaker === "half-open" ? "warn" : "bad"}>{t(`breaker.${breaker ?? "closed"}`)}</Badge>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
