"use client";

// The keys that do something.
import { useTranslations } from "use-intl";
import { Kbd } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";

const SHORTCUTS = [
  ["palette", ["Ctrl", "K"]],
  ["send", ["Ctrl", "Enter"]],
  ["close", ["Esc"]],
  ["move", ["Tab"]],
  ["undo", ["Ctrl", "Z"]],
  ["redo", ["Ctrl", "Shift", "Z"]],
  ["help", ["?"]],
] as const;

export function Shortcuts() {
  const t = useTranslations("settings.shortcuts");
  return (
    <Panel title={t("title")} flush>
      <dl className="divide-y divide-line">
        {SHORTCUTS.map(([what, keys]) => (
          <div key={what} className="flex items-center justify-between gap-4 px-4 py-2">
            <dt>{t(what)}</dt>
            <dd className="flex shrink-0 gap-1">
              {keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
