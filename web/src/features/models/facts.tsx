"use client";

// What a model's row says, field by field; what is not said is left out.
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { Model } from "@/shared/api/endpoints";
import { useFigures } from "@/shared/format/figures";
import { priceWords } from "./price";

interface FactsProps {
  model: Model;
  onOpen: (key: string) => void;
}

export function Facts(props: FactsProps) {
  return (
    <dl className="grid grid-cols-[8.5rem_minmax(0,1fr)] gap-x-3 gap-y-2 border-t border-line pt-4">
      <Identity {...props} />
      <Terms {...props} />
      <StandIns {...props} />
      <Stay {...props} />
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children === false || children === null || children === undefined || children === "") return null;
  return (
    <div className="contents">
      <dt className="text-soft">{name}</dt>
      <dd className="flex min-w-0 flex-wrap gap-x-2 break-words">{children}</dd>
    </div>
  );
}

function Code({ children }: { children: string }) {
  return <span className="min-w-0 font-mono break-all">{children}</span>;
}

function Identity({ model, onOpen }: FactsProps) {
  const t = useTranslations("models.detail");
  return (
    <>
      <Fact name={t("name")}>{model.name}</Fact>
      <Fact name={t("family")}>{model.family}</Fact>
      <Fact name={t("provider")}>{model.provider}</Fact>
      <Fact name={t("model_id")}>{model.model_id && <Code>{model.model_id}</Code>}</Fact>
      <Fact name={t("revision")}>{model.revision && <Code>{model.revision}</Code>}</Fact>
      <Fact name={t("base")}>{model.base && <KeyLink modelKey={model.base} onOpen={onOpen} />}</Fact>
    </>
  );
}

function Terms({ model }: FactsProps) {
  const t = useTranslations("models.detail");
  const tr = useTranslations("models.registry");
  const figures = useFigures();
  const cached = model.price?.cached_input_usd_per_mtok;
  return (
    <>
      <Fact name={t("context")}>{model.context_window > 0 && figures.tokens(model.context_window)}</Fact>
      <Fact name={t("price")}>{priceWords(model, figures.usd, tr)}</Fact>
      <Fact name={t("cached_price")}>{typeof cached === "number" && figures.usd(cached)}</Fact>
      <Fact name={t("capabilities")}>{model.capabilities.join(", ")}</Fact>
      <Fact name={t("strategy")}>{model.default_strategy}</Fact>
      <Fact name={t("min_vram")}>{model.min_vram_gb > 0 && figures.gb(model.min_vram_gb)}</Fact>
    </>
  );
}

function StandIns({ model, onOpen }: FactsProps) {
  const t = useTranslations("models.detail");
  const figures = useFigures();
  const sides = Object.entries(model.split);
  const whole = sides.reduce((sum, [, weight]) => sum + weight, 0);
  return (
    <>
      <Fact name={t("fallbacks")}>
        {model.fallbacks.length > 0 && model.fallbacks.map((key) => <KeyLink key={key} modelKey={key} onOpen={onOpen} />)}
      </Fact>
      <Fact name={t("split")}>
        {sides.length > 0 &&
          sides.map(([key, weight]) => (
            <span key={key} className="tabular-nums">
              <KeyLink modelKey={key} onOpen={onOpen} /> {figures.share(weight / whole)}
            </span>
          ))}
      </Fact>
    </>
  );
}

/** How long a model of this machine stays in memory, and where. */
function Stay({ model }: FactsProps) {
  const t = useTranslations("models.detail");
  const figures = useFigures();
  const stays = model.residency;
  if (stays === null) return null;
  const { keep_alive_s: keepAlive } = stays;
  return (
    <>
      <Fact name={t("on_disk")}>{t(model.on_disk === true ? "on_disk_yes" : "on_disk_no")}</Fact>
      <Fact name={t("keep_alive")}>
        {typeof keepAlive === "number" ? figures.seconds(keepAlive) : t("keep_alive_always")}
      </Fact>
      <Fact name={t("warm")}>{stays.warm === true && t("yes")}</Fact>
      <Fact name={t("worker")}>{stays.worker === true && t("yes")}</Fact>
    </>
  );
}

function KeyLink({ modelKey, onOpen }: { modelKey: string; onOpen: (key: string) => void }) {
  return (
    <button type="button" onClick={() => onOpen(modelKey)} className="font-mono text-accent hover:underline">
      {modelKey}
    </button>
  );
}
