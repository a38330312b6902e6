"use client";

// Whether a flow was worth its price, in two words; the interval, and why it holds no longer, where it is pointed at.
import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { Scale } from "lucide-react";
import Link from "next/link";
import { useId, useRef, useState, type FocusEvent, type KeyboardEvent, type PointerEvent } from "react";
import { useLocale, useTranslations } from "use-intl";
import { Badge } from "@/shared/ui/bits";
import { ServerText } from "@/shared/ui/server-text";
import { badgesQuery, type FlowBadge } from "./badges";
import { signedPoints, TONES } from "./points";

const WIDTH_PX = 288;
const EDGE_PX = 8;

interface WorthProps {
  flow: string;
  /** Inside a `group/card` that is pressed for another reason: it is no link then, and what it tells has this id. */
  plainId?: string;
}

/** Nothing where the flow was never held against what its money buys without it. */
export function WorthBadge({ flow, plainId }: WorthProps) {
  const badge = useQuery(badgesQuery).data?.badges.find((one) => one.flow === flow);
  if (badge === undefined) return null;
  return plainId === undefined ? <LinkedBadge badge={badge} /> : <PlainBadge badge={badge} id={plainId} />;
}

function Short({ badge }: { badge: FlowBadge }) {
  const t = useTranslations("worth");
  const locale = useLocale();
  const isExpired = (badge.expired ?? []).length > 0;
  const says = isExpired ? t("expired") : t(`verdict.${badge.verdict}`);
  return (
    <Badge tone={isExpired ? "plain" : TONES[badge.verdict]}>
      <Scale aria-hidden className="size-3" />
      {says}
      {badge.verdict !== "refused" && !isExpired && <span className="tabular-nums">{signedPoints(badge.difference, locale)}</span>}
    </Badge>
  );
}

/** All that it says: interval, dataset, sentence, and why it holds no longer. */
function Long({ badge }: { badge: FlowBadge }) {
  const t = useTranslations("worth");
  const locale = useLocale();
  // A ratio of 0 is of costs that are not known.
  const { interval, baseline, items, dataset, sentence, cost_ratio: ratio, expired = [], said: told = {} } = badge;
  return (
    <>
      {badge.verdict !== "refused" && (
        <span className="block font-medium tabular-nums">
          {t("interval", { low: signedPoints(interval.low, locale), high: signedPoints(interval.high, locale), baseline })}
        </span>
      )}
      <span className="block text-soft">{t("on", { items, dataset })}</span>
      {locale === "en" && <span className="mt-1 block">{sentence}</span>}
      {locale !== "en" && badge.verdict === "refused" && (
        <span className="mt-1 block">{ratio > 0 ? t("unequal", { baseline, ratio }) : t("no_price")}</span>
      )}
      {expired.map((why) => (
        <span key={why} className="mt-1 block text-warn">
          <ServerText text={why} said={told[why]} />
        </span>
      ))}
    </>
  );
}

/** Its words are below the card while the badge is pointed at or the card has the focus of the keys. */
function PlainBadge({ badge, id }: { badge: FlowBadge; id: string }) {
  return (
    <span className="group/badge w-fit shrink-0">
      <Short badge={badge} />
      <span
        id={id}
        className="pointer-events-none absolute inset-x-0 top-full z-20 hidden pt-1 group-hover/badge:block group-has-focus-visible/card:block"
      >
        <span className="block rounded-md border border-line bg-surface px-3 py-2 text-xs break-words text-ink shadow-lift">
          <Long badge={badge} />
        </span>
      </span>
    </span>
  );
}

function LinkedBadge({ badge }: { badge: FlowBadge }) {
  const t = useTranslations("worth");
  const id = useId();
  const anchor = useRef<HTMLSpanElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null);
  const open = () => {
    const box = anchor.current?.getBoundingClientRect();
    if (box === undefined) return;
    const left = Math.max(EDGE_PX, Math.min(box.left, document.documentElement.clientWidth - WIDTH_PX - EDGE_PX));
    setPlace({ left, top: box.bottom });
  };
  const close = () => setPlace(null);
  const handlers = {
    onPointerEnter: (event: PointerEvent) => event.pointerType === "mouse" && open(),
    onPointerLeave: close,
    onFocus: open,
    onBlur: (event: FocusEvent) => !event.currentTarget.contains(event.relatedTarget) && close(),
    onKeyDown: (event: KeyboardEvent) => event.key === "Escape" && close(),
  };
  return (
    <span ref={anchor} className="relative z-10 inline-flex" {...handlers}>
      <Link
        href={`/evaluations/${badge.evaluation_id}`}
        prefetch={false}
        aria-describedby={id}
        className="inline-flex min-h-6 items-center rounded-sm"
      >
        <span className="sr-only">{t("label")} </span>
        <Short badge={badge} />
      </Link>
      <span
        id={id}
        role="tooltip"
        style={place === null ? {} : { left: place.left, top: place.top, width: WIDTH_PX }}
        className={clsx(place === null ? "hidden" : "fixed z-50 pt-1.5")}
      >
        <span className="block rounded-md border border-line bg-surface px-3 py-2 text-sm break-words shadow-lift">
          <Long badge={badge} />
        </span>
      </span>
    </span>
  );
}
