"use client";

// What one node says: its names, then the settings of its kind, the usual ones first.
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Badge, Skeleton } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { Field, TextField } from "@/shared/ui/field";
import { Fold } from "@/shared/ui/fold";
import { changeNode, isName, nodeOf, removeNodes, takenNames, type NodeDoc } from "../document";
import { renameNode } from "../document-names";
import { said, type PlacedProblem } from "../problems/places";
import { useKindAbout } from "../palette/looks";
import { useProblemsAt, useScope } from "../problems/checks";
import { Words } from "../prompt/words";
import { flowNow, useBuilder, useBuilderStore } from "../store";
import { useKind, type Kind } from "./kinds";
import type { Setting } from "./controls";
import { isWide, SettingField } from "./setting";

export function NodeSettings({ id }: { id: string }) {
  const node = useBuilder((state) => nodeOf(flowNow(state), id));
  const readOnly = useBuilder((state) => state.isReadOnly);
  const problems = useProblemsAt("node", id);
  if (node === undefined) return null;
  return (
    <div className="flex flex-col gap-4">
      <Names key={id} node={node} readOnly={readOnly} problems={problems} />
      <Settings node={node} readOnly={readOnly} problems={problems} />
      <Leaves id={id} />
      {!readOnly && <Delete id={id} />}
    </div>
  );
}

interface PartProps {
  node: NodeDoc;
  readOnly: boolean;
  problems: readonly PlacedProblem[];
}

function useSet(id: string): (name: string, value: unknown, isTyped?: boolean) => void {
  const store = useBuilderStore();
  return (name, value) => store.getState().edit((flow) => changeNode(flow, id, { [name]: value }), `node/${id}/${name}`);
}

function Settings({ node, readOnly, problems }: PartProps) {
  const t = useTranslations("inspector.node");
  const found = useKind(node.kind);
  const set = useSet(node.id);
  if (found === null) return <Skeleton className="h-64 w-full" />;
  const { kind, settings } = found;
  const isOpen = (one: Setting) => one.isRare && (node[one.name] !== undefined || said(problems, one.name) !== undefined);
  const [usual, rare] = [settings.filter((one) => !one.isRare), settings.filter((one) => one.isRare)];
  const grid = (shown: readonly Setting[]) => (
    <div className="grid grid-cols-2 items-start gap-3">
      {shown.map((setting) => (
        <div key={setting.name} className={isWide(setting) ? "col-span-2 min-w-0" : "min-w-0"}>
          <SettingField node={node.id} kind={kind} setting={setting} value={node[setting.name]} problems={problems} readOnly={readOnly} onChange={(value) => set(setting.name, value)} />
        </div>
      ))}
    </div>
  );
  return (
    <>
      <Unplaced kind={kind} settings={settings} problems={problems} />
      {settings.length === 0 && <p className="text-soft">{t("no_settings")}</p>}
      {usual.length > 0 && grid(usual)}
      {rare.length > 0 && (
        <Fold mustShow={rare.some(isOpen)}>
          <summary className="mb-2 w-fit text-sm text-soft hover:text-ink">{t("more")}</summary>
          {grid(rare)}
        </Fold>
      )}
    </>
  );
}

/** What is wrong with the node and belongs to no field of this form. */
function Unplaced({ problems, settings }: { kind: Kind; settings: readonly Setting[]; problems: readonly PlacedProblem[] }) {
  const shown = new Set(["id", "label", "role", ...settings.map(({ name }) => name)]);
  const rest = problems.filter(({ place }) => !shown.has(place.setting));
  if (rest.length === 0) return null;
  return (
    <ul role="alert" className="flex flex-col gap-1 rounded-md bg-bad-soft px-3 py-2 text-sm">
      {rest.map(({ key, message }) => (
        <li key={key}>{message}</li>
      ))}
    </ul>
  );
}

function Names({ node, readOnly, problems }: PartProps) {
  const t = useTranslations("inspector.node");
  const set = useSet(node.id);
  const flow = useBuilder(flowNow);
  const store = useBuilderStore();
  const [id, setId] = useState(node.id);
  const wrong = id === node.id ? said(problems, "id") : !isName(id) ? t("id_wrong") : takenNames(flow).has(id) ? t("id_taken") : undefined;
  const rename = () => {
    if (id === node.id || wrong !== undefined) return;
    store.getState().edit((now) => renameNode(now, node.id, id));
    store.getState().select([id]);
  };
  return (
    <div className="flex flex-col gap-3">
      <Words label={t("label")} value={node.label} readOnly={readOnly} onChange={(value) => set("label", value)}>
        {(one) => (
          <TextField label={t("label")} value={one.value} placeholder={node.id} readOnly={readOnly} onChange={({ target }) => one.onChange(target.value)} />
        )}
      </Words>
      <div className="grid grid-cols-2 items-start gap-3">
        <TextField
          label={t("id")}
          className="[&_input]:font-mono [&_input]:text-sm"
          value={id}
          readOnly={readOnly}
          error={wrong}
          {...(id !== node.id && { hint: t("id_help") })}
          onChange={({ target }) => setId(target.value)}
          onBlur={rename}
          onKeyDown={(event) => {
            if (event.key === "Enter") rename();
            if (event.key === "Escape") setId(node.id);
          }}
        />
        <TextField
          label={t("role")}
          className="[&_input]:font-mono [&_input]:text-sm"
          value={node.role ?? ""}
          placeholder={node.id}
          title={t("role_help")}
          readOnly={readOnly}
          error={said(problems, "role")}
          onChange={({ target }) => set("role", target.value === "" ? undefined : target.value)}
        />
      </div>
    </div>
  );
}

/** The fields that other nodes may name. */
function Leaves({ id }: { id: string }) {
  const t = useTranslations("inspector.node");
  const scope = useScope();
  const fields = scope?.fields[scope.nodes[id]?.fields ?? -1] ?? [];
  if (fields.length === 0) return null;
  return (
    <details>
      <summary className="mb-2 w-fit text-sm text-soft hover:text-ink">{t("leaves")}</summary>
      <dl className="flex flex-col gap-1.5 text-sm">
        {fields.map(({ name, type, about }) => (
          <div key={name}>
            <dt className="flex items-baseline justify-between gap-2">
              <code className="min-w-0 truncate font-mono">
                {id}.{name}
              </code>
              <Badge>{type}</Badge>
            </dt>
            <dd className="text-xs text-soft">{about}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function Delete({ id }: { id: string }) {
  const t = useTranslations("inspector.node");
  const store = useBuilderStore();
  return (
    <Button look="danger" size="sm" className="w-fit" onClick={() => store.getState().edit((flow) => removeNodes(flow, new Set([id])))}>
      <Trash2 aria-hidden className="size-4" />
      {t("delete")}
    </Button>
  );
}

/** The kind, which no form changes. */
export function KindLine({ kind }: { kind: string }) {
  const t = useTranslations("inspector.node");
  const found = useKind(kind);
  const about = useKindAbout();
  return (
    <Field label={t("kind")} hideLabel>
      {(control) => (
        <output {...control} className="block text-xs text-soft">
          <code className="font-mono">{kind}</code>
          {found !== null && <> · {about(found.kind)}</>}
        </output>
      )}
    </Field>
  );
}
