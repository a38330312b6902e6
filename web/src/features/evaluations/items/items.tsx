"use client";

// The items, and how two arms did on each: those on which they differ, and what was said to one of them.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useTranslations } from "use-intl";
import { useSettled } from "@/shared/settled";
import { Skeleton } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { Select, TextField } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { itemsQuery, type ItemsAsked, type Only, type Report } from "../api";
import { ItemDialog } from "./item-dialog";
import { ItemsTable } from "./items-table";

const QUIET_MS = 300;
const ONLY: readonly Only[] = ["all", "differ", "arm_better", "against_better", "both", "neither", "failed"];

export function Items({ report }: { report: Report }) {
  const t = useTranslations("evaluations.items");
  const names = report.arms.map(({ arm }) => arm);
  const first = report.differences[0];
  const [asked, setAsked] = useState<ItemsAsked>({
    only: first === undefined ? "all" : "differ",
    arm: first?.arm ?? names[0] ?? "",
    against: first?.against ?? names[1] ?? names[0] ?? "",
    words: "",
  });
  const [open, setOpen] = useState<string | null>(null);
  const id = report.evaluation.evaluation_id;
  return (
    <Panel title={t("title")} flush>
      <Filters asked={asked} names={names} onChange={(part) => setAsked({ ...asked, ...part })} />
      <Found id={id} asked={asked} onOpen={setOpen} />
      {open !== null && <ItemDialog id={id} item={open} arms={[asked.arm, asked.against]} names={names} onClose={() => setOpen(null)} />}
    </Panel>
  );
}

interface FiltersProps {
  asked: ItemsAsked;
  names: readonly string[];
  onChange: (part: Partial<ItemsAsked>) => void;
}

function Filters({ asked, names, onChange }: FiltersProps) {
  const t = useTranslations("evaluations.items");
  return (
    <search aria-label={t("title")} className="grid gap-2 border-b border-line p-4 sm:grid-cols-2 lg:grid-cols-4">
      {(["arm", "against"] as const).map((side) => (
        <Select key={side} label={t(side)} value={asked[side]} onChange={(event) => onChange({ [side]: event.target.value })}>
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      ))}
      <Select label={t("show")} value={asked.only} onChange={(event) => onChange({ only: event.target.value as Only })}>
        {ONLY.map((only) => (
          <option key={only} value={only}>
            {t(`only.${only}`)}
          </option>
        ))}
      </Select>
      <TextField label={t("search")} type="search" value={asked.words} onChange={(event) => onChange({ words: event.target.value })} />
    </search>
  );
}

function Found({ id, asked, onOpen }: { id: string; asked: ItemsAsked; onOpen: (item: string) => void }) {
  const t = useTranslations("evaluations");
  const words = useSettled(useDeferredValue(asked.words), QUIET_MS);
  const list = useInfiniteQuery({ ...itemsQuery(id, { ...asked, words }), placeholderData: keepPreviousData });
  if (list.data === undefined)
    return list.error === null ? (
      <Waiting />
    ) : (
      <div className="p-4">
        <Problem error={list.error} again={() => void list.refetch()} />
      </div>
    );
  const rows = list.data.pages.flatMap((page) => page.items);
  return (
    <>
      <p role="status" className="px-4 pt-3 text-sm text-soft">
        {t("items.found", { count: list.data.pages[0]?.found ?? 0 })}
      </p>
      {rows.length === 0 ? (
        <p className="px-4 py-8 text-center text-soft">{t("items.nothing")}</p>
      ) : (
        <ItemsTable rows={rows} arms={[asked.arm, asked.against]} onOpen={onOpen} />
      )}
      {list.hasNextPage && (
        <div className="flex justify-center border-t border-line p-3">
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("more")}
          </Button>
        </div>
      )}
    </>
  );
}

function Waiting() {
  return (
    <div aria-hidden className="flex flex-col gap-2 p-4">
      {Array.from({ length: 8 }, (_, place) => (
        <Skeleton key={place} className="h-10" />
      ))}
    </div>
  );
}
