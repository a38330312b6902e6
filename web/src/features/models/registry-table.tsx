"use client";

// The registry as a table: found by words, narrowed by provider and state; a row opens all that is known of its model.
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue } from "react";
import { useTranslations } from "use-intl";
import { modelsQuery, type Model } from "@/shared/api/endpoints";
import { providersQuery } from "@/shared/api/setup";
import { useFigures } from "@/shared/format/figures";
import { Badge, Empty, Skeleton } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { Segmented, Select, TextField } from "@/shared/ui/field";
import { useServerWords } from "@/shared/server-words";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { isGoing, useLoadings } from "./loading";
import { priceWords } from "./price";
import { EVERYTHING, matching, providersOf, sorted, standingOf, type Breaker, type Filter, type Shown } from "./registry";
import { StandingBadge } from "./standing";

const LOOK_MS = 10_000;

/** Of each model that was asked so far, how its breaker stands. */
export function useBreakers(): ReadonlyMap<string, Breaker> {
  const providers = useQuery({ ...providersQuery, refetchInterval: LOOK_MS });
  return new Map(providers.data?.providers.flatMap(({ models }) => models.map(({ key, breaker }) => [key, breaker] as const)));
}

interface RegistryProps {
  filter: Filter;
  onFilter: (filter: Filter) => void;
  onOpen: (key: string) => void;
}

export function Registry({ filter, onFilter, onOpen }: RegistryProps) {
  const t = useTranslations("models.registry");
  const models = useQuery({ ...modelsQuery, refetchInterval: LOOK_MS });
  const deferred = useDeferredValue(filter);
  if (models.data === undefined)
    return (
      <Panel>
        {models.error === null ? <Skeletons /> : <Problem error={models.error} again={() => void models.refetch()} />}
      </Panel>
    );
  const found = matching(sorted(models.data.models), deferred);
  return (
    <div className="flex flex-col gap-3">
      <Filters filter={filter} models={models.data.models} onChange={onFilter} />
      <p role="status" className="sr-only">
        {t("found", { count: found.length })}
      </p>
      <Panel flush>
        {found.length === 0 ? (
          <Empty title={t("nothing")}>
            <Button size="sm" onClick={() => onFilter(EVERYTHING)}>
              {t("show_all")}
            </Button>
          </Empty>
        ) : (
          <Rows models={found} standard={models.data.default} onOpen={onOpen} />
        )}
      </Panel>
    </div>
  );
}

function Skeletons() {
  return (
    <div className="flex flex-col gap-2">
      {Array.from({ length: 10 }, (_, index) => (
        <Skeleton key={index} className="h-9" />
      ))}
    </div>
  );
}

interface FiltersProps {
  filter: Filter;
  models: readonly Model[];
  onChange: (filter: Filter) => void;
}

function Filters({ filter, models, onChange }: FiltersProps) {
  const t = useTranslations("models.registry");
  return (
    <div className="flex flex-wrap items-center gap-2">
      <TextField
        label={t("search")}
        hideLabel
        type="search"
        placeholder={t("search")}
        value={filter.words}
        onChange={(event) => onChange({ ...filter, words: event.target.value })}
        className="min-w-48 flex-1 sm:max-w-sm"
      />
      <Select
        label={t("provider")}
        hideLabel
        value={filter.provider}
        onChange={(event) => onChange({ ...filter, provider: event.target.value })}
        className="min-w-36"
      >
        <option value="">{t("all_providers")}</option>
        {providersOf(models).map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Select>
      <Segmented<Shown>
        label={t("shown")}
        hideLabel
        value={filter.shown}
        onChange={(shown) => onChange({ ...filter, shown })}
        options={(["all", "usable", "in_memory"] as const).map((value) => ({ value, label: t(`shown_${value}`) }))}
      />
    </div>
  );
}

interface RowsProps {
  models: readonly Model[];
  standard: string | null;
  onOpen: (key: string) => void;
}

const HEAD = "px-4 py-2 text-left text-xs font-medium text-soft";

function Rows({ models, standard, onOpen }: RowsProps) {
  const t = useTranslations("models.registry");
  const breakers = useBreakers();
  const loadings = useLoadings();
  return (
    <table className="w-full border-collapse">
      <thead className="hidden border-b border-line md:table-header-group">
        <tr>
          <th className={HEAD}>{t("model")}</th>
          <th className={HEAD}>{t("provider")}</th>
          <th className={`${HEAD} text-right`}>{t("context")}</th>
          <th className={`${HEAD} text-right whitespace-nowrap`}>{t("price")}</th>
          <th className={`${HEAD} hidden lg:table-cell`}>{t("capabilities")}</th>
          <th className={HEAD}>{t("state")}</th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {models.map((model) => (
          <Row
            key={model.key}
            model={model}
            isDefault={model.key === standard}
            breaker={breakers.get(model.key) ?? null}
            isLoading={isGoing(loadings[model.key])}
            onOpen={onOpen}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  model: Model;
  isDefault: boolean;
  breaker: Breaker;
  isLoading: boolean;
  onOpen: (key: string) => void;
}

function Row({ model, isDefault, breaker, isLoading, onOpen }: RowProps) {
  const t = useTranslations("models.registry");
  const figures = useFigures();
  const context = model.context_window > 0 ? figures.compact(model.context_window) : "–";
  const price = priceWords(model, figures.usd, t);
  // That it converses is said of every model, and worth a word only where nothing else is.
  const abilities = model.capabilities.length > 1 ? model.capabilities.filter((one) => one !== "chat") : model.capabilities;
  const standing = standingOf(model, breaker, isLoading);
  const words = useServerWords();
  return (
    <tr className="relative grid grid-cols-[minmax(0,1fr)_auto] items-start gap-x-3 hover:bg-sunken md:table-row">
      <td className="min-w-0 py-2 pl-4 md:max-w-80 md:pr-4">
        <span className="flex min-w-0 flex-wrap items-center gap-x-2">
          <button
            type="button"
            onClick={() => onOpen(model.key)}
            className="max-w-full truncate font-mono font-medium after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
          >
            {model.key}
          </button>
          {isDefault && <Badge tone="accent">{t("default")}</Badge>}
          {model.demonstration && <Badge>{t("demonstration")}</Badge>}
        </span>
        {model.name !== model.key && <span className="block truncate text-sm text-soft">{model.name}</span>}
        <span className="block text-xs text-soft md:hidden">
          {model.provider} · {context} · {price}
        </span>
      </td>
      <td className="hidden px-4 py-2 md:table-cell">{model.provider}</td>
      <td className="hidden px-4 py-2 text-right tabular-nums md:table-cell">{context}</td>
      <td className="hidden px-4 py-2 text-right whitespace-nowrap tabular-nums md:table-cell">{price}</td>
      <td className="hidden max-w-72 px-4 py-2 text-xs text-soft lg:table-cell">{abilities.join(", ")}</td>
      <td className="px-4 py-2">
        <StandingBadge standing={standing} title={model.why_not === null ? undefined : (words(model.why_not) ?? model.why_not)} />
      </td>
    </tr>
  );
}
