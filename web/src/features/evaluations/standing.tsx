"use client";

// How an evaluation stands and what it found, in a word and a colour; never in a colour alone.
import { ArrowDown, ArrowUp, Ban, CircleCheck, CircleDashed, CircleX, Equal, Gauge, LoaderCircle, Scale, Split, type LucideIcon } from "lucide-react";
import { useLocale, useTranslations } from "use-intl";
import { Badge, type Tone } from "@/shared/ui/bits";
import { signedPoints, TONES } from "@/shared/worth/points";
import { hasEnded, statusOf, type Evaluation, type Status, type Verdict } from "./api";

const LOOKS: Record<Status, [Tone, LucideIcon]> = {
  queued: ["plain", CircleDashed],
  running: ["accent", LoaderCircle],
  completed: ["good", CircleCheck],
  cancelled: ["plain", Ban],
  failed: ["bad", CircleX],
  limit_exceeded: ["warn", Gauge],
};

const ICONS: Record<Verdict, LucideIcon> = {
  better: ArrowUp,
  worse: ArrowDown,
  no_difference: Equal,
  inconclusive: Split,
  refused: Scale,
};

export function Standing({ evaluation }: { evaluation: Evaluation }) {
  const t = useTranslations("evaluations.status");
  const status = statusOf(evaluation);
  const [tone, Icon] = LOOKS[status];
  return (
    <Badge tone={tone}>
      <Icon aria-hidden className={`size-3 ${status === "running" ? "animate-spin" : ""}`} />
      {t(status)}
    </Badge>
  );
}

interface VerdictProps {
  verdict: Verdict;
  /** A part of 1. */
  difference?: number;
}

export function VerdictBadge({ verdict, difference }: VerdictProps) {
  const t = useTranslations("evaluations.verdict");
  const locale = useLocale();
  const Icon = ICONS[verdict];
  return (
    <Badge tone={TONES[verdict]}>
      <Icon aria-hidden className="size-3" />
      {t(verdict)}
      {difference !== undefined && verdict !== "refused" && <span className="tabular-nums">{signedPoints(difference, locale)}</span>}
    </Badge>
  );
}

/** What an evaluation is called: its own name, else its arms and its dataset. */
export function useTitle(): (evaluation: Evaluation) => string {
  const t = useTranslations("evaluations");
  return ({ spec, dataset }) => {
    if (spec.name) return spec.name;
    const names = spec.arms.slice(0, 3).map(({ name }) => name);
    return t("untitled", { arms: names.join(", ") + (spec.arms.length > names.length ? " …" : ""), dataset: dataset.name });
  };
}

/** How many items of its dataset are asked. */
export function itemsOf({ spec: { split, limit }, dataset }: Evaluation): number {
  const items = (split === "tune" ? dataset.tune : split === "test" ? dataset.test : dataset.items) ?? dataset.items;
  return Math.min(limit ?? items, items);
}

/** Part of the answers that are there, from 0 to 1. */
export function shareOf(evaluation: Evaluation): number {
  const { cells = 0, of = 0 } = evaluation.progress ?? {};
  return of === 0 ? (hasEnded(evaluation) ? 1 : 0) : cells / of;
}
