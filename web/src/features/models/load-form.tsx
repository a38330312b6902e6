"use client";

// Brings a local model into memory, shows how far it is, and puts it out again.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { strategiesQuery, type Model } from "@/shared/api/endpoints";
import { useStrategyWords } from "@/shared/strategy-words";
import { Button } from "@/shared/ui/button";
import { Checkbox, Select } from "@/shared/ui/field";
import { Problem } from "@/shared/ui/problem";
import { isGoing, useLoad, useLoadings, type Loading } from "./loading";
import { LoadProgress } from "./loading-rows";
import { cacheQuery, usePin, useUnload } from "./memory";

export function LoadForm({ model }: { model: Model }) {
  const own = useLoadings((all) => all[model.key]);
  if (isGoing(own) || model.loading !== null) return <LoadProgress modelKey={model.key} state={own?.state ?? model.loading} />;
  return model.loaded ? <Loaded model={model} /> : <NotLoaded model={model} failed={own ?? null} />;
}

/** `failed`: the load before, which is offered again as it was asked for. */
function NotLoaded({ model, failed }: { model: Model; failed: Loading | null }) {
  const t = useTranslations("models.detail");
  const [strategy, setStrategy] = useState(failed?.wish.strategy ?? "");
  const [pin, setPin] = useState(failed?.wish.pin ?? false);
  const strategies = useQuery(strategiesQuery);
  const load = useLoad();
  const words = useStrategyWords();
  const about = words(strategies.data?.strategies.find(({ name }) => name === (strategy || model.default_strategy)));
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        void load({ key: model.key, strategy: strategy || null, pin });
      }}
    >
      <Select label={t("load_as")} hint={about ?? " "} value={strategy} onChange={(event) => setStrategy(event.target.value)}>
        <option value="">{t("load_default", { strategy: model.default_strategy })}</option>
        {strategies.data?.strategies.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </Select>
      <Checkbox label={t("load_pin")} checked={pin} onChange={(event) => setPin(event.target.checked)} />
      {model.on_disk === false && <p className="text-sm text-soft">{t("load_fetches")}</p>}
      {failed !== null && <Problem error={failed.error} />}
      <Button type="submit" look="primary" className="self-start">
        {t("load")}
      </Button>
    </form>
  );
}

function Loaded({ model }: { model: Model }) {
  const t = useTranslations("models.detail");
  const cache = useQuery(cacheQuery);
  const pin = usePin();
  const unload = useUnload();
  const key = model.base ?? model.key;
  const resident = cache.data?.models.find((one) => one.model_key === key);
  const isBusy = (resident?.in_use ?? 0) > 0;
  const pinned = resident?.pinned ?? model.pinned;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Button size="sm" aria-pressed={pinned} onClick={() => pin.mutate({ key: model.key, pinned: !pinned })}>
        {pinned ? t("unpin") : t("pin")}
      </Button>
      <Button size="sm" look="danger" disabled={isBusy} busy={unload.isPending} onClick={() => unload.mutate(model.key)}>
        {t("unload")}
      </Button>
      {isBusy && <span className="text-sm text-soft">{t("busy")}</span>}
    </div>
  );
}
