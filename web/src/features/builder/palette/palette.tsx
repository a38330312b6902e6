"use client";

// The kinds of node to choose from: by search, by click, or dragged onto the canvas.
import { useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { useEffect, useRef, type KeyboardEvent, type RefObject } from "react";
import { useTranslations } from "use-intl";
import { Skeleton } from "@/shared/ui/bits";
import { Problem } from "@/shared/ui/problem";
import { kindsQuery, type Kind } from "../inspector/kinds";
import { GROUPS, groupOf, useKindAbout, KindIcon, useKindName } from "./looks";

/** What a kind is called while it is dragged. */
export const KIND_TYPE = "application/x-agent-lab-kind";

const ITEM = "flex cursor-grab items-start gap-2.5 rounded-md px-2 py-1.5 data-[selected=true]:bg-sunken";
const HEADING = "mb-1 [&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-soft";

interface PaletteProps {
  onChoose: (kind: string) => void;
  /** In a dialog the search has the focus as soon as it opens. */
  autoFocus?: boolean;
}

export function Palette({ onChoose, autoFocus = false }: PaletteProps) {
  const t = useTranslations("canvas.palette");
  const kinds = useQuery(kindsQuery);
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = useEarlyEnter(list, kinds.isPending);
  if (kinds.isError) return <Problem error={kinds.error} again={() => void kinds.refetch()} />;
  return (
    <Command label={t("title")} loop onKeyDown={onKeyDown} className="flex min-h-0 flex-1 flex-col">
      <Command.Input
        data-autofocus={autoFocus || undefined}
        placeholder={t("search")}
        className="h-10 w-full shrink-0 border-b border-line bg-transparent px-3 text-base outline-none placeholder:text-soft focus-visible:border-accent"
      />
      <Command.List ref={list} className="min-h-0 flex-1 overflow-y-auto p-2">
        <Command.Empty className="px-2 py-6 text-center text-soft">{t("none")}</Command.Empty>
        {kinds.isPending && Array.from({ length: 8 }, (_, index) => <Skeleton key={index} className="mb-1.5 h-11" />)}
        {GROUPS.map((group) => {
          const inside = kinds.data?.kinds.filter(({ name }) => groupOf(name) === group) ?? [];
          if (inside.length === 0) return null;
          return (
            <Command.Group key={group} heading={t(`groups.${group}`)} className={HEADING}>
              {inside.map((kind) => (
                <KindItem key={kind.name} kind={kind} onChoose={onChoose} />
              ))}
            </Command.Group>
          );
        })}
      </Command.List>
    </Command>
  );
}

/** Enter that is pressed while the kinds are still on their way chooses when they are there, unless another key follows it. */
function useEarlyEnter(list: RefObject<HTMLElement | null>, isPending: boolean): (event: KeyboardEvent) => void {
  const isPressed = useRef(false);
  useEffect(() => {
    if (isPending || !isPressed.current) return;
    isPressed.current = false;
    // What is selected among them is known only when they have been drawn.
    const next = requestAnimationFrame(() => list.current?.querySelector<HTMLElement>('[cmdk-item][aria-selected="true"]')?.click());
    return () => cancelAnimationFrame(next);
  }, [isPending, list]);
  return ({ key }) => {
    isPressed.current = isPending && key === "Enter";
  };
}

function KindItem({ kind, onChoose }: { kind: Kind; onChoose: (kind: string) => void }) {
  const name = useKindName()(kind.name);
  const about = useKindAbout()(kind);
  return (
    <Command.Item
      value={`${name} ${kind.name}`}
      onSelect={() => onChoose(kind.name)}
      draggable
      onDragStart={(event) => {
        event.dataTransfer.setData(KIND_TYPE, kind.name);
        event.dataTransfer.effectAllowed = "copy";
      }}
      className={ITEM}
    >
      <KindIcon kind={kind.name} className="mt-0.5 size-4 shrink-0 text-accent" />
      <span className="min-w-0">
        <span className="block font-medium">{name}</span>
        <span className="block text-xs text-soft">{about}</span>
      </span>
    </Command.Item>
  );
}
