"use client";

// What a newcomer should know: the demonstration model is on, and how a real one is connected.
import { useQuery } from "@tanstack/react-query";
import { Sparkles } from "lucide-react";
import { useId, useSyncExternalStore } from "react";
import { useTranslations } from "use-intl";
import { modelsQuery } from "@/shared/api/endpoints";
import { Button, ButtonLink } from "@/shared/ui/button";
import { useDraft } from "./draft";
import { EXAMPLES } from "./examples";

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

/** A keyboard goes on at the question: the button that it pressed is gone. */
function hideAndAsk(): void {
  hide();
  document.querySelector<HTMLElement>("main textarea")?.focus();
}

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  return () => readers.delete(reader);
}

/** Shown while the demonstration model answers where none is named, until it is hidden. */
export function FirstRun() {
  const t = useTranslations("console");
  const id = useId();
  const models = useQuery(modelsQuery);
  const change = useDraft((draft) => draft.change);
  const hidden = useSyncExternalStore(subscribe, isHidden, () => true);
  const standard = models.data?.models.find(({ key }) => key === models.data.default);
  if (hidden || standard?.demonstration !== true) return null;
  const code = (text: string) => <code className="rounded-sm bg-surface px-1 font-mono text-sm">{text}</code>;
  return (
    <section
      aria-labelledby={id}
      className="mb-4 flex flex-wrap items-start gap-x-4 gap-y-2 rounded-lg border border-line bg-accent-soft px-4 py-3"
    >
      <Sparkles aria-hidden className="mt-0.5 size-4 text-accent max-sm:hidden" />
      <div className="min-w-0 flex-1 basis-64">
        <h2 id={id} className="font-semibold">{t("first_title")}</h2>
        <p>{t("first_body")}</p>
        <ul className="mt-1 list-disc pl-5">
          <li>{t.rich("first_hosted", { key: () => code("OPENAI_API_KEY"), file: () => code(".env") })}</li>
          <li>{t.rich("first_local", { file: () => code("models.toml") })}</li>
        </ul>
        {/* On a small page in one line that scrolls: the question below it is to be in sight. */}
        <p className="mt-2 flex items-center gap-1.5 max-sm:overflow-x-auto max-sm:py-1 sm:flex-wrap">
          <span className="text-sm text-soft max-sm:shrink-0">{t("example")}:</span>
          {EXAMPLES.map((question) => (
            <Button key={question} size="sm" className="max-w-full max-sm:max-w-56 max-sm:shrink-0" title={question} onClick={() => change({ question })}>
              <span className="truncate">{question}</span>
            </Button>
          ))}
        </p>
      </div>
      <div className="flex gap-2">
        <ButtonLink href="/models" size="sm">
          {t("first_models")}
        </ButtonLink>
        <Button size="sm" look="quiet" onClick={hideAndAsk}>
          {t("first_hide")}
        </Button>
      </div>
    </section>
  );
}
