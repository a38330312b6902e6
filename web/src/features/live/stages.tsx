"use client";

// The transcript of a run: stage by stage, what went on side by side stands side by side.
import clsx from "clsx";
import { memo, useEffect, useMemo, useRef, useState, type RefObject } from "react";
import { useTranslations } from "use-intl";
import { judgementOf, tallyOf } from "@/run/issues";
import type { Stage, Turn } from "@/run/transcript";
import { useRunState, useTranscript, useTurn } from "@/shared/run/run";
import { Skeleton } from "@/shared/ui/bits";
import { Card, useCardTitle, type CardPlace } from "./card";
import { useRunHere } from "./here";

export function Stages() {
  const t = useTranslations("live.stages");
  const stages = useTranscript(useRunHere(), "stages");
  const list = useRef<HTMLElement>(null);
  useNewestInSight(list, stages);
  return (
    <section ref={list} aria-labelledby="transcript" className="flex min-w-0 flex-col gap-3">
      <h2 id="transcript" className="text-lg font-semibold">
        {t("title")}
      </h2>
      {stages.length === 0 && <Skeleton className="h-32" />}
      {stages.map((stage) => (
        <OneStage key={stage.key} stage={stage} />
      ))}
    </section>
  );
}

/** Whoever has the newest stage before them gets the next one too; whoever reads elsewhere is left there. */
function useNewestInSight(list: RefObject<HTMLElement | null>, stages: readonly Stage[]): void {
  const seen = useRef(0);
  useEffect(() => {
    const before = seen.current;
    seen.current = stages.length;
    if (before === 0 || stages.length <= before) return;
    const shown = list.current?.querySelectorAll("[data-stage]");
    if (shown !== undefined && isInSight(shown[before - 1])) shown[shown.length - 1]?.scrollIntoView({ block: "nearest" });
  }, [list, stages]);
}

function isInSight(part: Element | undefined): boolean {
  if (part === undefined) return false;
  const { top, bottom } = part.getBoundingClientRect();
  return bottom > 0 && top < innerHeight && bottom <= innerHeight + NEAR_PX;
}

const NEAR_PX = 120;

/** A card for each answer; for a turn without any, or with more to say than its answers, one of its own. */
function placesOf(turn: Turn | undefined): readonly CardPlace[] {
  if (turn === undefined) return [];
  const own = { turn: turn.key, lane: null };
  if (turn.lanes.length === 0) return [own];
  const lanes = turn.lanes.map((lane) => ({ turn: turn.key, lane }));
  const fields = turn.output?.fields ?? {};
  return tallyOf(fields) !== null || judgementOf(fields) !== null ? [...lanes, own] : lanes;
}

const OneStage = memo(function OneStage({ stage }: { stage: Stage }) {
  const t = useTranslations("live.stages");
  const turns = useTranscript(useRunHere(), "turns");
  const places = useMemo(() => stage.turns.flatMap((key) => placesOf(turns.get(key))), [stage, turns]);
  const [chosen, setChosen] = useState(0);
  const isInner = turns.get(stage.turns[0] ?? "")?.within != null;
  const isShared = places.length > 1;
  const seen = Math.min(chosen, places.length - 1);
  return (
    <div className={clsx("min-w-0", isInner && "border-l-2 border-line pl-3")} data-stage={stage.key}>
      {isShared && (
        <div role="group" aria-label={t("choose")} className="mb-2 flex gap-1 overflow-x-auto pb-1 md:hidden">
          {places.map((place, at) => (
            <Choice key={keyOf(place)} place={place} isChosen={at === seen} choose={() => setChosen(at)} />
          ))}
        </div>
      )}
      <div className={clsx("grid min-w-0 gap-3", isShared && "md:grid-cols-[repeat(auto-fit,minmax(15rem,1fr))]")}>
        {places.map((place, at) => (
          <Card
            key={keyOf(place)}
            {...place}
            isNarrow={isShared}
            className={isShared && at !== seen ? "max-md:hidden" : undefined}
          />
        ))}
      </div>
    </div>
  );
});

function keyOf({ turn, lane }: CardPlace): string {
  return lane ?? turn;
}

const DOTS: Record<string, string> = {
  asked: "bg-line-strong",
  speaking: "bg-accent animate-pulse",
  running: "bg-accent animate-pulse",
  waiting_for_person: "bg-warn",
  done: "bg-good",
  failed: "bg-bad",
  left: "bg-line-strong",
};

/** On a small page one of the voices is seen at a time, and the others are one touch away. */
function Choice({ place, isChosen, choose }: { place: CardPlace; isChosen: boolean; choose: () => void }) {
  const run = useRunHere();
  const turn = useTurn(run, place.turn);
  const state = useRunState(run, ({ transcript }) => transcript.lanes.get(place.lane ?? "")?.state);
  const title = useCardTitle(turn, place.lane);
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={choose}
      className={clsx(
        "flex max-w-44 shrink-0 items-center gap-1.5 rounded-md border px-2.5 py-1.5 text-sm",
        isChosen ? "border-accent bg-accent-soft text-ink" : "border-line text-soft",
      )}
    >
      <span aria-hidden className={clsx("size-2 shrink-0 rounded-full", DOTS[state ?? turn?.state ?? "asked"])} />
      <span className="truncate">{title}</span>
    </button>
  );
}
