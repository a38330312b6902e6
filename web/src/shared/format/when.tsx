"use client";

// A moment, told relative to now; the exact one is its title.
import { useEffect, useSyncExternalStore } from "react";
import { useFormatter, useTranslations } from "use-intl";

const TICK_MS = 15_000;
const JUST_NOW_MS = 10_000;

const readers = new Set<() => void>();
let now = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for every moment on the page. */
function subscribe(reader: () => void): () => void {
  readers.add(reader);
  timer ??= setInterval(tick, TICK_MS);
  return () => {
    readers.delete(reader);
    if (readers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  now = Date.now();
  readers.forEach((reader) => reader());
}

/** The time in milliseconds, a quarter of a minute exact; 0 until the page is alive. */
export function useNow(): number {
  const shown = useSyncExternalStore(subscribe, () => (now ||= Date.now()), () => 0);
  useEffect(() => {
    if (Date.now() - now > TICK_MS) tick();
  }, []);
  return shown;
}

const resting = new Set<() => void>();
let hasRested = false;

/** The first exact moment takes a phone longer than the rest of its page: it is told when the page has nothing else to do. */
function subscribeRest(reader: () => void): () => void {
  if (resting.size === 0 && !hasRested) (globalThis.requestIdleCallback ?? setTimeout)(rest);
  resting.add(reader);
  return () => resting.delete(reader);
}

function rest(): void {
  hasRested = true;
  resting.forEach((reader) => reader());
}

/** `at`: ISO 8601, as the API writes it. */
export function When({ at, className }: { at: string; className?: string }) {
  const format = useFormatter();
  const t = useTranslations("common.figures");
  const current = useNow();
  const isCalm = useSyncExternalStore(subscribeRest, () => hasRested, () => false);
  const moment = new Date(at);
  const isFresh = current - moment.getTime() < JUST_NOW_MS;
  return (
    <time
      dateTime={at}
      title={isCalm ? format.dateTime(moment, { dateStyle: "medium", timeStyle: "medium" }) : undefined}
      className={className}
    >
      {isFresh ? t("just_now") : format.relativeTime(moment, current)}
    </time>
  );
}
