"use client";

// The sheet of keys.
import { Fragment } from "react";
import { useTranslations } from "use-intl";
import { Dialog } from "@/shared/ui/dialog";
import { Kbd } from "@/shared/ui/bits";
import { BINDINGS, spelt, type Binding } from "./keys";

const GROUPS = ["nodes", "ways", "edit", "view"] as const;

export function KeySheet({ onClose }: { onClose: () => void }) {
  const t = useTranslations("canvas.sheet");
  return (
    <Dialog open title={t("title")} place="wide" onClose={onClose}>
      <p className="mb-4 text-soft">{t("intro")}</p>
      <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
        {GROUPS.map((group) => (
          <section key={group} aria-label={t(`groups.${group}`)}>
            <h3 className="mb-1.5 font-semibold">{t(`groups.${group}`)}</h3>
            <dl className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-1">
              {BINDINGS.filter((binding) => binding.group === group).map((binding) => (
                <Fragment key={binding.command}>
                  <dt>{t(`commands.${binding.command}`)}</dt>
                  <dd className="flex justify-end gap-1">
                    <Keys binding={binding} />
                  </dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

function Keys({ binding: { keys } }: { binding: Binding }) {
  return keys.map((key) => <Kbd key={spelt(key)}>{spelt(key)}</Kbd>);
}
