"use client";

// One voice of the transcript: a model's answer as it is written, or what else a node did in its turn.
import clsx from "clsx";
import { useTranslations } from "use-intl";
import type { ReactNode } from "react";
import { judgementOf, tallyOf, verdictOf } from "@/run/issues";
import { isNoAnswer, type Turn } from "@/run/transcript";
import { useFigures } from "@/shared/format/figures";
import { useLane, useRunState, useRunView, useServerNow, useTurn } from "@/shared/run/run";
import { Badge, Skeleton } from "@/shared/ui/bits";
import { Fence } from "@/shared/ui/panel";
import { ServerText } from "@/shared/ui/server-text";
import { NodeStatus, type NodeStanding } from "@/shared/ui/status";
import { anchorOf } from "./anchors";
import { useRunHere } from "./here";
import { LaneFigures } from "./lane-figures";
import { LaneText } from "./lane-text";
import { Person } from "./person";
import { RawButton } from "./raw";
import { useRunningSeconds } from "./seconds";
import { IssueTable, JudgeTable, VoteTable } from "./verdicts";

const STATES: Record<Turn["state"], NodeStanding> = {
  running: "running",
  waiting_for_person: "waiting_for_person",
  done: "completed",
  failed: "failed",
  left: "left",
};

/** What a card shows: a turn, or one of the answers in it. */
export interface CardPlace {
  readonly turn: string;
  readonly lane: string | null;
}

interface CardProps extends CardPlace {
  isNarrow: boolean;
  className?: string | undefined;
}

export function Card({ turn: turnKey, lane: laneKey, isNarrow, className }: CardProps) {
  const run = useRunHere();
  const turn = useTurn(run, turnKey);
  const state = useRunState(run, ({ transcript }) => transcript.lanes.get(laneKey ?? "")?.state);
  const isDeclined = useRunState(run, ({ transcript }) => {
    const lane = transcript.lanes.get(laneKey ?? "");
    return lane !== undefined && isNoAnswer(lane);
  });
  const title = useCardTitle(turn, laneKey);
  if (turn === undefined) return null;
  const isFirst = laneKey === null || turn.lanes[0] === laneKey;
  return (
    <section
      {...(isFirst && { id: anchorOf(turn.key) })}
      tabIndex={-1}
      aria-label={title}
      data-card={turn.node}
      data-lane={laneKey ?? undefined}
      data-state={state ?? turn.state}
      className={clsx(
        "flex min-w-0 flex-col gap-2 rounded-lg border bg-surface p-3",
        turn.state === "running" ? "border-accent/60" : turn.state === "failed" ? "border-bad" : "border-line",
        className,
      )}
    >
      <header className={clsx("flex min-w-0 items-center gap-x-2 gap-y-1", isNarrow && "flex-wrap")}>
        <h3 className={clsx("min-w-0 truncate font-semibold", isNarrow && "w-full")} title={title}>
          {title}
        </h3>
        <NodeStatus status={isDeclined ? "declined" : state === "done" ? "completed" : STATES[turn.state]} />
        <span className="ml-auto flex items-center gap-1">
          <TurnSeconds turn={turn} />
          <RawButton title={title} lane={laneKey} turn={turn} />
        </span>
      </header>
      {turn.state === "failed" && <Failure />}
      <Fence>
        {laneKey === null ? <TurnBody turn={turn} /> : <LaneBody turn={turn} laneKey={laneKey} title={title} isNarrow={isNarrow} />}
      </Fence>
    </section>
  );
}

/** Why the turn failed, where it failed. */
function Failure() {
  const fault = useRunView(useRunHere())?.fault;
  return fault && <p className="rounded-md bg-bad-soft px-3 py-2 [overflow-wrap:anywhere]"><ServerText text={fault.message} said={fault.said} /></p>;
}

/** The node's label; of several turns the round, of several answers the number, of a flow within the flow its place. */
export function useCardTitle(turn: Turn | undefined, laneKey: string | null): string {
  const t = useTranslations("live.lane");
  const sample = useRunState(useRunHere(), ({ transcript }) => transcript.lanes.get(laneKey ?? "")?.sample);
  if (turn === undefined) return "";
  return [
    turn.within === null ? turn.label : t("within", { place: turn.node.slice(0, turn.node.lastIndexOf("/")), label: turn.label }),
    turn.visit > 1 ? t("round", { number: turn.visit }) : "",
    sample !== undefined && turn.lanes.length > 1 ? t("sample", { number: sample + 1 }) : "",
  ]
    .filter((part) => part !== "")
    .join(" · ");
}

function TurnSeconds({ turn }: { turn: Turn }) {
  const figures = useFigures();
  const running = useRunningSeconds();
  const isGoing = turn.state === "running";
  const now = useServerNow(useRunHere(), isGoing);
  if (!isGoing && turn.seconds === null) return null;
  const text = turn.seconds === null ? running((now - Date.parse(turn.startedAt)) / 1000) : figures.seconds(turn.seconds);
  return <span className="text-xs text-soft tabular-nums">{text}</span>;
}

interface LaneBodyProps {
  turn: Turn;
  laneKey: string;
  title: string;
  isNarrow: boolean;
}

/** The only part of a card that is drawn anew for each word. */
function LaneBody({ turn, laneKey, title, isNarrow }: LaneBodyProps) {
  const t = useTranslations("live");
  const lane = useLane(useRunHere(), laneKey);
  if (lane === undefined) return null;
  const verdict = turn.output !== null && turn.lanes.length === 1 ? verdictOf(turn.output.fields) : null;
  const isGrowing = lane.state === "asked" || lane.state === "speaking";
  const text = <LaneText text={lane.text} isGrowing={isGrowing} label={t("lane.text", { title })} height={isNarrow ? "side" : "full"} />;
  return (
    <>
      {lane.wasCutOff && <p className="text-sm text-warn">{t("lane.cut_off")}</p>}
      {lane.reason !== null && <p className="text-sm text-warn">{t("lane.restarted", { reason: lane.reason })}</p>}
      {verdict === null ? (
        lane.text === "" && isGrowing ? <Expected /> : text
      ) : (
        <>
          <IssueTable verdict={verdict} />
          <details>
            <summary className="text-sm text-soft">{t("lane.as_written")}</summary>
            <div className="mt-2">{text}</div>
          </details>
        </>
      )}
      <LaneFigures lane={lane} />
      {lane.result?.notes.map((note) => (
        <p key={note} className="text-xs text-warn">
          <ServerText text={note} />
        </p>
      ))}
    </>
  );
}

/** The lines to come. */
function Expected() {
  return (
    <div className="flex flex-col gap-2 py-1">
      <Skeleton className="h-3 w-11/12" />
      <Skeleton className="h-3 w-2/3" />
    </div>
  );
}

function TurnBody({ turn }: { turn: Turn }) {
  const t = useTranslations("live.lane");
  const { output } = turn;
  const body = output === null ? null : outputBody(turn, t("text", { title: turn.label }));
  return (
    <>
      {turn.question !== null && <Person turn={turn} />}
      {body}
      {output === null && turn.question === null && turn.state === "running" && <Expected />}
      {turn.reused && (
        <p>
          <Badge>{t("reused")}</Badge>
        </p>
      )}
    </>
  );
}

function outputBody({ output, question }: Turn, label: string): ReactNode {
  if (output === null) return null;
  const tally = tallyOf(output.fields);
  if (tally !== null) return <VoteTable tally={tally} />;
  const judgement = judgementOf(output.fields);
  if (judgement !== null) return <JudgeTable judgement={judgement} />;
  const verdict = verdictOf(output.fields);
  if (verdict !== null) return <IssueTable verdict={verdict} />;
  if (question !== null) return null;
  return <LaneText text={output.text} isGrowing={false} label={label} height="low" />;
}
