"use client";

// The node that is changed in a fork: its prompts, its model, its figures, and the rest as JSON.
import { useState } from "react";
import { useTranslations } from "use-intl";
import { inLanguage } from "@/shared/flow/text";
import { Button } from "@/shared/ui/button";
import { Checkbox, Select, TextArea, TextField } from "@/shared/ui/field";
import { Fold } from "@/shared/ui/fold";
import type { RunBeginning } from "./api";
import { hasText, otherSettings, settingText, wrongIn, type ForkDraft, type NodeEdit } from "./fork-change";
import { ModelSelect } from "./model-select";

type Node = RunBeginning["flow"]["nodes"][number];

interface ForkNodeProps {
  beginning: RunBeginning;
  draft: ForkDraft;
  /** The node that is chosen first. */
  first: string;
  onChange: (part: Partial<ForkDraft>) => void;
}

export function ForkNode({ beginning, draft, first, onChange }: ForkNodeProps) {
  const t = useTranslations("run_actions.dialog");
  const [chosen, setChosen] = useState(first);
  const language = beginning.request.options?.language ?? "en";
  const { nodes } = beginning.flow;
  const node = nodes.find(({ id }) => id === chosen);
  const label = (one: Node) => inLanguage(one.label, language) || one.id;
  const from = nodes.find(({ id }) => id === draft.from);
  return (
    <fieldset className="flex min-w-0 flex-col gap-3 rounded-md border border-line p-3">
      <legend className="sr-only">{t("node")}</legend>
      <Select label={t("node")} value={chosen} onChange={(event) => setChosen(event.target.value)}>
        <option value="">{t("no_node")}</option>
        {nodes.map((one) => (
          <option key={one.id} value={one.id}>
            {draft.nodes[one.id] === undefined ? label(one) : t("node_changed", { label: label(one) })}
          </option>
        ))}
      </Select>
      {node !== undefined && <Settings key={node.id} node={node} {...{ beginning, draft, onChange, language }} />}
      {from !== undefined && from.id !== chosen && <p className="text-sm text-soft">{t("from", { label: label(from) })}</p>}
    </fieldset>
  );
}

type SettingsProps = Omit<ForkNodeProps, "first"> & { node: Node; language: string };

function Settings({ node, beginning, draft, onChange, language }: SettingsProps) {
  const t = useTranslations("run_actions.dialog");
  const edit = draft.nodes[node.id];
  const change = (part: NodeEdit) => onChange({ nodes: { ...draft.nodes, [node.id]: { ...edit, ...part } } });
  const undo = () => onChange({ nodes: Object.fromEntries(Object.entries(draft.nodes).filter(([id]) => id !== node.id)) });
  const asks = hasText(node, "prompt");
  return (
    <>
      {(["prompt", "system"] as const).map(
        (name) =>
          hasText(node, name) && (
            <TextArea
              key={name}
              label={t(name)}
              rows={name === "prompt" ? 7 : 3}
              value={edit?.[name] ?? settingText(node, name, language)}
              className="[&_textarea]:font-mono [&_textarea]:text-sm"
              onChange={(event) => change({ [name]: event.target.value })}
            />
          ),
      )}
      {asks && (
        <div className="grid gap-3 sm:grid-cols-3">
          <ModelSelect
            label={t("model")}
            before={modelBefore(node, beginning)}
            value={edit?.model ?? ""}
            onChange={(model) => change({ model })}
          />
          <Figure name="temperature" {...{ node, draft, language, change }} />
          <Figure name="max_tokens" {...{ node, draft, language, change }} />
        </div>
      )}
      <OtherSettings {...{ node, draft, change }} />
      <Checkbox
        label={t("anew")}
        checked={draft.from === node.id}
        onChange={(event) => onChange({ from: event.target.checked ? node.id : "" })}
      />
      {edit !== undefined && (
        <Button size="sm" look="quiet" className="self-start" onClick={undo}>
          {t("undo")}
        </Button>
      )}
    </>
  );
}

/** What the run asked of that node: its word for the node is stronger than that for the role, and so on down. */
function modelBefore(node: Node, { request }: RunBeginning): string | null {
  const { model = null, models = {} } = request.options ?? {};
  const own = typeof node["model"] === "string" ? node["model"] : null;
  return models[node.id] ?? models[node.role ?? ""] ?? model ?? own;
}

interface PartProps {
  node: Node;
  draft: ForkDraft;
  change: (part: NodeEdit) => void;
}

function Figure({ name, node, draft, language, change }: PartProps & { name: "temperature" | "max_tokens"; language: string }) {
  const t = useTranslations("run_actions.dialog");
  const isWrong = wrongIn(draft).some((one) => one.node === node.id && one.field === name);
  return (
    <TextField
      label={t(name)}
      inputMode="decimal"
      placeholder={t("unset")}
      value={draft.nodes[node.id]?.[name] ?? settingText(node, name, language)}
      error={isWrong ? t(`${name}_wrong`) : undefined}
      onChange={(event) => change({ [name]: event.target.value })}
    />
  );
}

function OtherSettings({ node, draft, change }: PartProps) {
  const t = useTranslations("run_actions.dialog");
  const before = otherSettings(node);
  const isWrong = wrongIn(draft).some((one) => one.node === node.id && one.field === "others");
  if (before === "{}" && draft.nodes[node.id]?.others === undefined) return null;
  return (
    <Fold className="rounded-md border border-line" mustShow={isWrong}>
      <summary className="px-3 py-1.5 text-sm font-medium">{t("others")}</summary>
      <TextArea
        label={t("others")}
        hideLabel
        hint={t("others_hint")}
        rows={8}
        spellCheck={false}
        className="p-3 [&_textarea]:font-mono [&_textarea]:text-sm"
        value={draft.nodes[node.id]?.others ?? before}
        error={isWrong ? t("others_wrong") : undefined}
        onChange={(event) => change({ others: event.target.value })}
      />
    </Fold>
  );
}
