// Small pieces: badges, bars, keys, room for what is on its way, words for what is not there.
import clsx from "clsx";
import type { ReactNode } from "react";

const TONES = {
  plain: "bg-sunken text-soft",
  accent: "bg-accent-soft text-accent",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
};
export type Tone = keyof typeof TONES;

export function Badge({ tone = "plain", title, children }: { tone?: Tone; title?: string; children: ReactNode }) {
  return (
    <span
      title={title}
      className={clsx("inline-flex items-center gap-1 rounded-sm px-1.5 py-0.5 text-xs font-medium whitespace-nowrap", TONES[tone])}
    >
      {children}
    </span>
  );
}

/** Room for what is on its way. Give it the size of what comes, so that nothing moves. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={clsx("animate-pulse rounded-md bg-sunken", className)} />;
}

interface EmptyProps {
  title: string;
  icon?: ReactNode;
  children?: ReactNode;
}

/** What stands where there is nothing yet, and what to do about it. */
export function Empty({ title, icon, children }: EmptyProps) {
  return (
    <div className="flex flex-col items-center justify-center gap-2 px-4 py-10 text-center">
      {icon !== undefined && <div className="text-soft">{icon}</div>}
      <p className="font-medium">{title}</p>
      {children !== undefined && <div className="flex max-w-prose flex-col items-center gap-3 text-soft">{children}</div>}
    </div>
  );
}

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="rounded-sm border border-line bg-sunken px-1 font-mono text-xs text-soft">{children}</kbd>
  );
}

interface MeterProps {
  label: string;
  /** 0 to 1. */
  value: number;
  tone?: "accent" | "warn" | "bad";
  /** What readers of the screen hear in place of the percentage. */
  text?: string;
}

const BARS = { accent: "text-accent", warn: "text-warn", bad: "text-bad" };

/** How much of something is taken. Drawn as SVG: a width in a style attribute would break the page's own policy. */
export function Meter({ label, value, tone = "accent", text }: MeterProps) {
  const share = Math.min(1, Math.max(0, value));
  return (
    <svg
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={1}
      aria-valuenow={Number(share.toFixed(3))}
      {...(text !== undefined && { "aria-valuetext": text })}
      viewBox="0 0 100 6"
      preserveAspectRatio="none"
      className={clsx("block h-1.5 w-full overflow-hidden rounded-sm bg-sunken", BARS[tone])}
    >
      <rect width={share * 100} height="6" fill="currentColor" />
    </svg>
  );
}

/** The head of a screen: its one h1, and what can be done on it. */
export function ScreenHead({ title, about, children }: { title: string; about?: ReactNode; children?: ReactNode }) {
  return (
    <header className="mb-4 flex flex-wrap items-end justify-between gap-x-4 gap-y-2">
      <div className="min-w-0 flex-1 basis-80">
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {about !== undefined && <p className="max-w-3xl text-pretty text-soft">{about}</p>}
      </div>
      {children !== undefined && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </header>
  );
}
