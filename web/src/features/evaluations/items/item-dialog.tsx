"use client";

// One item in full: the question, and what each arm said to it.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Skeleton } from "@/shared/ui/bits";
import { Dialog } from "@/shared/ui/dialog";
import { Problem } from "@/shared/ui/problem";
import { itemQuery } from "../api";
import { CellView } from "./cell-view";

interface ItemDialogProps {
  id: string;
  item: string;
  /** Shown from the start. */
  arms: readonly string[];
  names: readonly string[];
  onClose: () => void;
}

export function ItemDialog({ id, item, arms, names, onClose }: ItemDialogProps) {
  const t = useTranslations("evaluations.items");
  const found = useQuery(itemQuery(id, item));
  const [shown, setShown] = useState<ReadonlySet<string>>(new Set(arms));
  const toggle = (name: string) => {
    const next = new Set(shown);
    if (!next.delete(name)) next.add(name);
    setShown(next);
  };
  return (
    <Dialog open place="wide" title={t("dialog", { id: item })} onClose={onClose}>
      {found.error !== null && <Problem error={found.error} again={() => void found.refetch()} />}
      {found.isPending && <Skeleton className="h-72" />}
      {found.data !== undefined && (
        <div className="flex flex-col gap-4">
          <Text title={t("question")}>{found.data.item.input}</Text>
          {typeof found.data.item.target === "string" && <Text title={t("target")}>{found.data.item.target}</Text>}
          {names.length > 2 && <ArmBoxes names={names} shown={shown} onToggle={toggle} />}
          <div className="grid items-start gap-4 lg:grid-cols-2">
            {found.data.cells
              .filter(({ arm }) => shown.has(arm))
              .map((cell) => (
                <CellView key={`${cell.arm} ${cell.sample}`} cell={cell} />
              ))}
          </div>
        </div>
      )}
    </Dialog>
  );
}

function Text({ title, children }: { title: string; children: string }) {
  return (
    <section aria-label={title}>
      <h3 className="text-sm font-medium">{title}</h3>
      <p className="break-words whitespace-pre-wrap">{children}</p>
    </section>
  );
}

function ArmBoxes({ names, shown, onToggle }: { names: readonly string[]; shown: ReadonlySet<string>; onToggle: (name: string) => void }) {
  const t = useTranslations("evaluations.items");
  return (
    <fieldset className="flex flex-wrap gap-x-4 gap-y-1">
      <legend className="mb-1 text-sm font-medium">{t("arms")}</legend>
      {names.map((name) => (
        <label key={name} className="flex min-h-6 items-center gap-1.5 text-sm">
          <input type="checkbox" className="size-4 accent-accent" checked={shown.has(name)} onChange={() => onToggle(name)} />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
