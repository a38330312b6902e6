"use client";

// Tells readers of the screen what is selected, and where it leads.
import { useLocale, useTranslations } from "use-intl";
import { inLanguage } from "@/shared/flow/text";
import { nodeOf, type FlowDoc } from "../document";
import { useKindName } from "../palette/looks";
import { firstWords, notesOf } from "../notes";
import { flowNow, selectedNode, selectedNote, useBuilder } from "../store";
import { faultsOf } from "./node";

export function Announcer() {
  const t = useTranslations("canvas");
  const kindName = useKindName();
  const language = useLocale();
  const id = useBuilder(selectedNode);
  const flow = useBuilder(flowNow);
  const faults = useBuilder((state) => faultsOf(state.checked).get(id ?? "") ?? "");
  const note = useBuilder((state) => notesOf(flowNow(state)).get(selectedNote(state) ?? ""));
  const node = id === null ? undefined : nodeOf(flow, id);
  const errors = Number(faults.split(" ")[0] ?? 0);
  const parts = node === undefined ? [] : [
    t("node.label", { name: inLanguage(node.label, language) || node.id, kind: kindName(node.kind) }),
    leads(flow, node.id) === "" ? t("node.leads_nowhere") : t("node.leads_to", { names: leads(flow, node.id) }),
    ...(errors > 0 ? [t("node.problems", { count: errors })] : []),
  ];
  if (note !== undefined) parts.push(t("note.label", { text: firstWords(note) || t("note.empty_read_only") }));
  return (
    <p aria-live="polite" className="sr-only">
      {parts.join(", ")}
    </p>
  );
}

function leads(flow: FlowDoc, id: string): string {
  return flow.edges.filter(({ from }) => from === id).map(({ to }) => to).join(", ");
}
