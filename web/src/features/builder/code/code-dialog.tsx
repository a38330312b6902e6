"use client";

// Shows how a flow is asked from code, to be copied.
import { useState } from "react";
import { useTranslations } from "use-intl";
import { API_URL } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";
import { CopyButton } from "@/shared/ui/copy";
import { Dialog } from "@/shared/ui/dialog";
import { Tab, Tabs } from "@/shared/ui/tabs";
import { callOf, FORMS, inputsToGive, type Form } from "./calls";

interface CodeDialogProps {
  flowId: string;
  inputs: Readonly<Record<string, components["schemas"]["FlowInput"]>>;
  /** Nothing of it is published: its plain name stands for nothing yet. */
  isDraft: boolean;
  onClose: () => void;
}

export function CodeDialog({ flowId, inputs, isDraft, onClose }: CodeDialogProps) {
  const t = useTranslations("inspector.code");
  const [form, setForm] = useState<Form>("python");
  const text = callOf(form, {
    flow: isDraft ? `${flowId}@draft` : flowId,
    question: t("question"),
    inputs: inputsToGive(inputs, "…"),
    server: API_URL || location.origin,
  });
  return (
    <Dialog open place="wide" title={t("title", { id: flowId })} onClose={onClose}>
      <div className="flex flex-col gap-3">
        <p className="max-w-prose text-soft">{t("about")}</p>
        {isDraft && <p className="max-w-prose text-soft">{t("draft")}</p>}
        <Tabs label={t("forms")} value={form} onChange={setForm} tabs={FORMS.map((value) => ({ value, label: t(`form.${value}`) }))}>
          <Tab value={form} className="relative mt-2 rounded-md border border-line bg-sunken">
            <pre tabIndex={0} dir="ltr" className="overflow-x-auto p-3 pr-12 font-mono text-sm">
              {text.trimEnd()}
            </pre>
            <div className="absolute top-1.5 right-1.5">
              <CopyButton text={text} small />
            </div>
          </Tab>
        </Tabs>
        <p className="max-w-prose text-sm text-soft">{t("token")}</p>
      </div>
    </Dialog>
  );
}
