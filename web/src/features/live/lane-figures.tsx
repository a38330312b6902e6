"use client";

// What an answer took, in one line: HIT or MISS, model, tokens, seconds, cost, waiting times.
import { memo } from "react";
import { useTranslations } from "use-intl";
import { figuresOf, type LaneFigures as Figures } from "@/run/figures";
import type { Lane } from "@/run/transcript";
import { useFigures } from "@/shared/format/figures";
import { Badge } from "@/shared/ui/bits";
import { useServerNow } from "@/shared/run/run";
import { useRunHere } from "./here";
import { useRunningSeconds } from "./seconds";

const NOTABLE_S = 0.005;

/** Of the words that come it shows nothing, so it is not drawn anew for them. */
export const LaneFigures = memo(AllFigures, ({ lane: before }, { lane: now }) => {
  const isSame = before.state === now.state && before.result === now.result && before.request === now.request;
  return isSame && before.askedAt === now.askedAt;
});

function AllFigures({ lane }: { lane: Lane }) {
  const t = useTranslations("live.lane");
  const took = figuresOf(lane);
  const parts = useParts(took);
  if (took === null) return <Waiting lane={lane} />;
  return (
    <p className="flex min-h-6 flex-wrap items-center gap-x-2 gap-y-1 text-xs text-soft tabular-nums">
      {lane.reused && <Badge>{t("reused")}</Badge>}
      {took.isHit !== null && (
        <Badge tone={took.isHit ? "good" : "warn"} title={took.isHit ? t("hit") : t("miss")}>
          {took.isHit ? "HIT" : "MISS"}
        </Badge>
      )}
      <span className="font-medium text-ink">{took.model}</span>
      {parts.map((part) => (
        <span key={part}>{part}</span>
      ))}
      {took.finish === "length" && <Badge tone="warn">{t("cut")}</Badge>}
      {(took.finish === "declined" || took.finish === "filtered") && <Badge tone="warn">{t(took.finish)}</Badge>}
    </p>
  );
}

/** What there is to say, in words; a time that is next to nothing is not said. */
function useParts(took: Figures | null): readonly string[] {
  const t = useTranslations("live.lane");
  const figures = useFigures();
  if (took === null) return [];
  const times = [
    [took.firstTokenS, "first_token"],
    [took.queueS, "queued"],
    [took.loadS, "loaded"],
  ] as const;
  return [
    figures.tokens(took.tokens),
    took.tokensPerS === null ? "" : t("per_second", { tokens: figures.number(took.tokensPerS, took.tokensPerS < 10 ? 1 : 0) }),
    figures.seconds(took.totalS),
    took.costUsd === null ? t("cost_unknown") : figures.usd(took.costUsd),
    ...times.map(([seconds, name]) => (seconds === null || seconds < NOTABLE_S ? "" : t(name, { time: figures.seconds(seconds) }))),
    took.cachedTokens === 0 ? "" : t("cached", { count: took.cachedTokens }),
    took.failedTries === 0 ? "" : t("tries", { count: took.failedTries }),
  ].filter((part) => part !== "");
}

/** Until there is a result: who is asked, and for how long. */
function Waiting({ lane }: { lane: Lane }) {
  const t = useTranslations("live.lane");
  const running = useRunningSeconds();
  const isGoing = lane.state !== "left";
  const now = useServerNow(useRunHere(), isGoing);
  const seconds = lane.askedAt === null ? 0 : (now - Date.parse(lane.askedAt)) / 1000;
  return (
    <p className="flex min-h-6 flex-wrap items-center gap-x-2 text-xs text-soft tabular-nums">
      {lane.request?.model_key && <span className="font-medium text-ink">{lane.request.model_key}</span>}
      <span>{lane.state === "speaking" ? t("speaking") : lane.state === "left" ? t("left") : t("asked")}</span>
      {isGoing && <span>{running(seconds)}</span>}
    </p>
  );
}
