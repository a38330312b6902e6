"use client";

// What a newcomer should know: the demonstration model is on, and how a real one is connected.
import { useQuery } from "@tanstack/react-query";
import { Sparkles } from "lucide-react";
import { useSyncExternalStore } from "react";
import { useTranslations } from "use-intl";
import { modelsQuery } from "@/shared/api/endpoints";
import { Button, ButtonLink } from "@/shared/ui/button";

const HIDDEN = "agent-lab.first-run-hidden";
const readers = new Set<() => void>();

function isHidden(): boolean {
  try {
    return localStorage.getItem(HIDDEN) === "yes";
  } catch {
    return false;
  }
}

function hide(): void {
  try {
    localStorage.setItem(HIDDEN, "yes");
  } catch {
    return; // a browser that keeps nothing shows it again
  }
  readers.forEach((reader) => reader());
}

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  return () => readers.delete(reader);
}

/** Shown while nothing but the demonstration model can be used, until it is hidden. */
export function FirstRun() {
  const t = useTranslations("console");
  const models = useQuery(modelsQuery);
  const hidden = useSyncExternalStore(subscribe, isHidden, () => true);
  const usable = models.data?.models.filter((model) => model.usable) ?? [];
  if (hidden || usable.length === 0 || !usable.every((model) => model.demonstration)) return null;
  const code = (text: string) => <code className="rounded-sm bg-surface px-1 font-mono text-sm">{text}</code>;
  return (
    <aside className="mb-4 flex flex-wrap items-start gap-x-4 gap-y-2 rounded-lg border border-line bg-accent-soft px-4 py-3">
      <Sparkles aria-hidden className="mt-0.5 size-4 text-accent" />
      <div className="min-w-0 flex-1 basis-64">
        <h2 className="font-semibold">{t("first_title")}</h2>
        <p>{t("first_body")}</p>
        <ul className="mt-1 list-disc pl-5">
          <li>{t.rich("first_hosted", { key: () => code("OPENAI_API_KEY"), file: () => code(".env") })}</li>
          <li>{t.rich("first_local", { file: () => code("models.toml") })}</li>
        </ul>
      </div>
      <div className="flex gap-2">
        <ButtonLink href="/models" size="sm">
          {t("first_models")}
        </ButtonLink>
        <Button size="sm" look="quiet" onClick={hide}>
          {t("first_hide")}
        </Button>
      </div>
    </aside>
  );
}
