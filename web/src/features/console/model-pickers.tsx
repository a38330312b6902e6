"use client";

// Chooses models: one for all, or one for each role of the flow.
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import { flowsQuery, modelsQuery, usableFirst, type Model } from "@/shared/api/endpoints";
import { Select } from "@/shared/ui/field";
import { Fold } from "@/shared/ui/fold";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { useDraft } from "./draft";

export function ModelPickers() {
  const t = useTranslations("console");
  const { mode, flow: chosen, model, models: perRole, change } = useDraft();
  const models = useQuery(modelsQuery);
  const flows = useQuery(flowsQuery);
  const flow = flows.data?.flows.find(({ id }) => id === chosen);
  const known = models.data?.models ?? [];
  // Not known yet is not none.
  const standard = models.isPending ? "…" : (models.data?.default ?? t("model_none"));
  const isFlow = mode === "orchestrated";
  return (
    <Panel title={t("models")}>
      {models.error !== null && models.data === undefined && <Problem error={models.error} again={() => void models.refetch()} />}
      <div className="flex flex-col gap-3">
        <Select
          label={isFlow ? t("model_for_all") : t("model")}
          className="max-w-md"
          value={model}
          onChange={(event) => change({ model: event.target.value })}
        >
          <option value="">{isFlow ? t("model_auto", { model: standard }) : t("model_default", { model: standard })}</option>
          <ModelOptions models={known} chosen={model} />
        </Select>
        {isFlow && flow !== undefined && flow.roles.length > 1 && (
          <Fold mustShow={flow.roles.some((role) => perRole[role])} late={<RoleSelects roles={flow.roles} models={known} />}>
            <summary className="w-fit text-sm text-soft hover:text-ink">{t("roles")}</summary>
          </Fold>
        )}
      </div>
    </Panel>
  );
}

function RoleSelects({ roles, models }: { roles: readonly string[]; models: readonly Model[] }) {
  const t = useTranslations("console");
  const { models: perRole, change } = useDraft();
  return (
    <div className="mt-3 grid grid-cols-[repeat(auto-fill,minmax(min(13rem,100%),1fr))] gap-3">
      {roles.map((role) => (
        <Select
          key={role}
          label={role}
          value={perRole[role] ?? ""}
          onChange={(event) => change({ models: { ...perRole, [role]: event.target.value } })}
        >
          <option value="">{t("role_default")}</option>
          <ModelOptions models={models} chosen={perRole[role] ?? ""} />
        </Select>
      ))}
    </div>
  );
}

/** The usable ones first. One that was chosen and is gone since stays in sight, so that the server can say why. */
function ModelOptions({ models, chosen }: { models: readonly Model[]; chosen: string }) {
  const t = useTranslations("console");
  return (
    <>
      {chosen && !models.some(({ key }) => key === chosen) && <option value={chosen}>{t("not_usable", { name: chosen })}</option>}
      {usableFirst(models).map(({ key, name, usable }) => (
        <option key={key} value={key} disabled={!usable && key !== chosen}>
          {usable ? `${key} · ${name}` : t("not_usable", { name: key })}
        </option>
      ))}
    </>
  );
}
