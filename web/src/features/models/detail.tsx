"use client";

// All that is known of one model, what stands in its way, and what can be done with it.
import { useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useTranslations } from "use-intl";
import { modelsQuery, type Model } from "@/shared/api/endpoints";
import { Badge } from "@/shared/ui/bits";
import { ButtonLink } from "@/shared/ui/button";
import { CopyButton } from "@/shared/ui/copy";
import { Dialog } from "@/shared/ui/dialog";
import { Problem } from "@/shared/ui/problem";
import { ServerText } from "@/shared/ui/server-text";
import { Facts } from "./facts";
import { LoadForm } from "./load-form";
import { standingOf, type Breaker } from "./registry";
import { useBreakers } from "./registry-table";
import { StandingBadge } from "./standing";
import { isGoing, useLoadings } from "./loading";

interface DetailProps {
  modelKey: string;
  onOpen: (key: string) => void;
  onClose: () => void;
}

export function ModelDetail({ modelKey, onOpen, onClose }: DetailProps) {
  const t = useTranslations("models.detail");
  const models = useQuery(modelsQuery);
  const breakers = useBreakers();
  const model = models.data?.models.find(({ key }) => key === modelKey);
  return (
    <Dialog open title={modelKey} place="side" onClose={onClose}>
      {models.error !== null && <Problem error={models.error} again={() => void models.refetch()} />}
      {models.data !== undefined && model === undefined && <p>{t("gone", { key: modelKey })}</p>}
      {model !== undefined && <Detail model={model} breaker={breakers.get(modelKey) ?? null} onOpen={onOpen} />}
    </Dialog>
  );
}

function Detail({ model, breaker, onOpen }: { model: Model; breaker: Breaker; onOpen: (key: string) => void }) {
  const t = useTranslations("models.detail");
  const loading = useLoadings((all) => all[model.key]);
  const standing = standingOf(model, breaker, isGoing(loading));
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <StandingBadge standing={standing} />
        {model.pinned && <Badge tone="accent">{t("pinned")}</Badge>}
        {model.demonstration && <Badge>{t("demonstration")}</Badge>}
        <CopyButton text={model.key} label={t("copy_key")} />
      </div>
      {model.why_not !== null && !model.usable && (
        <div className="flex gap-2 rounded-md bg-warn-soft px-3 py-2">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
          <div>
            <p>
              <ServerText text={model.why_not} />
            </p>
            <ButtonLink href="/settings" size="sm" className="mt-2">
              {t("to_settings")}
            </ButtonLink>
          </div>
        </div>
      )}
      {(breaker === "open" || breaker === "cooling") && <p className="rounded-md bg-bad-soft px-3 py-2">{t(`breaker_${breaker}`)}</p>}
      {model.provider === "local" && <LoadForm model={model} />}
      <Facts model={model} onOpen={onOpen} />
    </div>
  );
}
