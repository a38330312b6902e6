"use client";

// What is held against each other: the arms, and which of them is the baseline.
import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useLocale, useTranslations } from "use-intl";
import { flowsQuery, modelsQuery } from "@/shared/api/endpoints";
import type { ApiProblem } from "@/shared/api/problem";
import { inLanguage } from "@/shared/flow/text";
import { Button, IconButton } from "@/shared/ui/button";
import { Select, TextField } from "@/shared/ui/field";
import { goOn } from "@/shared/ui/go-on";
import { Panel } from "@/shared/ui/panel";
import { ServerText } from "@/shared/ui/server-text";
import { KINDS, nameOf, takesFlow, takesK, takesLike, takesNode, useDraft, wrongIn, type ArmDraft, type Kind } from "./draft";
import { useWrongArm } from "./wrong";

const MOST = 32;

export function ArmsSection({ problem }: { problem: ApiProblem | null }) {
  const t = useTranslations("evaluations.form");
  const draft = useDraft();
  const { arms, baseline, change, addArm } = draft;
  const hasNone = wrongIn(draft).some(({ at }) => at === "arms");
  const names = arms.map(nameOf);
  return (
    <Panel title={t("arms")}>
      <div data-group>
        <p className="mb-3 text-soft">{t("arms_about")}</p>
        <ol className="flex flex-col gap-3">
          {arms.map((arm, index) => (
            <ArmFields key={arm.key} arm={arm} number={index + 1} told={problem?.at(`/arms/${index}`)} />
          ))}
        </ol>
        {hasNone && (
          <p role="alert" className="text-sm text-bad">
            {t("wrong.none")}
          </p>
        )}
        <div className="mt-3 flex flex-wrap items-end justify-between gap-3">
          <Button disabled={arms.length >= MOST} onClick={() => addArm(arms.length === 0 ? "flow" : "vote")}>
            <Plus aria-hidden className="size-4" />
            {t("add")}
          </Button>
          <Select
            label={t("baseline")}
            value={baseline}
            onChange={(event) => change({ baseline: event.target.value })}
            className="w-full max-w-xl sm:w-auto sm:min-w-72"
          >
            <option value="auto">{t("baseline_auto")}</option>
            {baseline !== "auto" && !names.includes(baseline) && <option value={baseline}>{baseline}</option>}
            {[...new Set(names)].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        </div>
      </div>
    </Panel>
  );
}

interface ArmProps {
  arm: ArmDraft;
  number: number;
  /** What the server said of it. */
  told?: ReturnType<ApiProblem["at"]>;
}

function ArmFields({ arm, number, told }: ArmProps) {
  const t = useTranslations("evaluations.form");
  const kinds = useTranslations("evaluations.kind");
  const { changeArm, removeArm } = useDraft();
  const wrong = useWrongArm(arm.key);
  const change = (changes: Partial<ArmDraft>) => changeArm(arm.key, changes);
  const errorAt = (...words: string[]) => (wrong !== undefined && words.includes(wrong.word) ? { error: wrong.sentence } : {});
  return (
    <li aria-label={t("arm", { number })} className="relative grid gap-3 rounded-md border border-line p-3 pr-12 sm:grid-cols-2 lg:grid-cols-3">
      <Select label={t("arm_kind")} value={arm.kind} onChange={(event) => change({ kind: event.target.value as Kind })}>
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {kinds(kind)}
          </option>
        ))}
      </Select>
      {(takesFlow(arm.kind) || takesLike(arm.kind)) && <FlowSelect arm={arm} {...errorAt("flow")} />}
      {takesNode(arm.kind) && <NodeSelect arm={arm} />}
      {takesK(arm.kind) && (
        <TextField label={t("arm_k")} inputMode="numeric" value={arm.k} {...errorAt("k")} onChange={(event) => change({ k: event.target.value })} />
      )}
      {takesLike(arm.kind) && <ModelSelect arm={arm} />}
      <TextField
        label={t("arm_name")}
        value={arm.name}
        maxLength={120}
        placeholder={nameOf({ ...arm, name: "" })}
        {...errorAt("twice", "comma")}
        onChange={(event) => change({ name: event.target.value })}
      />
      {told !== undefined && (
        <p role="alert" className="text-sm text-bad sm:col-span-full">
          <ServerText text={told.detail} said={told.said} />
        </p>
      )}
      <IconButton label={t("remove", { name: nameOf(arm) })} size="sm" className="absolute top-2 right-2" onClick={(event) => goOn(event, () => removeArm(arm.key))}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </li>
  );
}

interface SelectProps {
  arm: ArmDraft;
  error?: string;
}

function FlowSelect({ arm, ...more }: SelectProps) {
  const t = useTranslations("evaluations.form");
  const language = useLocale();
  const changeArm = useDraft((draft) => draft.changeArm);
  const flows = useQuery(flowsQuery).data?.flows ?? [];
  const isLike = takesLike(arm.kind);
  return (
    <Select
      label={t(isLike ? "arm_like" : "arm_flow")}
      value={arm.flow}
      {...more}
      onChange={(event) => changeArm(arm.key, { flow: event.target.value, node: "" })}
    >
      {(isLike || arm.flow === "") && <option value="">{isLike ? t("arm_like_none") : ""}</option>}
      {arm.flow !== "" && !flows.some(({ id }) => id === arm.flow) && <option value={arm.flow}>{arm.flow}</option>}
      {flows.map(({ id, name }) => (
        <option key={id} value={id}>
          {inLanguage(name, language) || id}
        </option>
      ))}
    </Select>
  );
}

function NodeSelect({ arm }: SelectProps) {
  const t = useTranslations("evaluations.form");
  const changeArm = useDraft((draft) => draft.changeArm);
  const flow = useQuery(flowsQuery).data?.flows.find(({ id }) => id === arm.flow);
  const nodes = flow?.drawing?.nodes ?? [];
  return (
    <Select label={t("arm_node")} value={arm.node} onChange={(event) => changeArm(arm.key, { node: event.target.value })}>
      <option value="">{t(arm.kind === "noise" ? "arm_node_auto" : "arm_node_each")}</option>
      {arm.node !== "" && !nodes.some(({ id }) => id === arm.node) && <option value={arm.node}>{arm.node}</option>}
      {nodes.map(({ id }) => (
        <option key={id} value={id}>
          {id}
        </option>
      ))}
    </Select>
  );
}

function ModelSelect({ arm }: SelectProps) {
  const t = useTranslations("evaluations.form");
  const changeArm = useDraft((draft) => draft.changeArm);
  const models = useQuery(modelsQuery).data?.models.filter((model) => model.usable) ?? [];
  return (
    <Select label={t("arm_model")} value={arm.model} onChange={(event) => changeArm(arm.key, { model: event.target.value })}>
      <option value="">{t(arm.flow === "" ? "arm_model_default" : "arm_model_auto")}</option>
      {arm.model !== "" && !models.some(({ key }) => key === arm.model) && <option value={arm.model}>{arm.model}</option>}
      {models.map(({ key }) => (
        <option key={key} value={key}>
          {key}
        </option>
      ))}
    </Select>
  );
}
