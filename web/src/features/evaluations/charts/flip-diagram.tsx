"use client";

// What became of right and wrong answers from one step to the next: ribbons as thick as their counts.
import { useRef } from "react";
import { useTranslations } from "use-intl";
import type { Flips } from "../api";
import { useFigures } from "@/shared/format/figures";
import { useStepWords } from "../report/verdict-words";
import { ribbons, type FlipName } from "./geometry";
import { useWidth } from "./use-width";

const HEIGHT = 132;
const TOP = 20;
const SIDE = 76;
const BAR = 6;
const INK: Record<FlipName, string> = {
  right_right: "fill-good-soft",
  right_wrong: "fill-bad",
  wrong_right: "fill-good",
  wrong_wrong: "fill-bad-soft",
};
const KINDS: readonly FlipName[] = ["wrong_right", "right_wrong", "right_right", "wrong_wrong"];

export function FlipDiagram({ flips }: { flips: Flips }) {
  const t = useTranslations("evaluations.report");
  const figures = useFigures();
  const step = useStepWords();
  const box = useRef<HTMLDivElement>(null);
  const width = Math.min(useWidth(box, 420), 520);
  const drawn = ribbons(flips, SIDE + BAR, width - SIDE - BAR, HEIGHT);
  const before = { right: flips.right_right + flips.right_wrong, wrong: flips.wrong_right + flips.wrong_wrong };
  const after = { right: flips.right_right + flips.wrong_right, wrong: flips.right_wrong + flips.wrong_wrong };
  const said = KINDS.map((name) => `${t(`flip.${name}`)}: ${figures.number(flips[name])}`).join("; ");
  return (
    <figure className="min-w-0">
      <figcaption className="mb-1 font-medium break-words">{t("flips", { before: step(flips.before), after: step(flips.after) })}</figcaption>
      <div ref={box} className="overflow-hidden">
        <svg role="img" aria-label={said} viewBox={`0 0 ${width} ${HEIGHT + TOP + 6}`} width={width} height={HEIGHT + TOP + 6} className="block text-xs select-text">
          <text x={0} y={12} className="fill-soft">
            {t("before")}
          </text>
          <text x={width} y={12} textAnchor="end" className="fill-soft">
            {t("after")}
          </text>
          <g transform={`translate(0 ${TOP})`}>
            {drawn.map(({ name, path, count }) => (
              <path key={name} d={path} className={INK[name]}>
                <title>{`${t(`flip.${name}`)}: ${figures.number(count)}`}</title>
              </path>
            ))}
            <Side counts={before} x={SIDE} textX={SIDE - 8} anchor="end" />
            <Side counts={after} x={width - SIDE - BAR} textX={width - SIDE + 8} anchor="start" />
          </g>
        </svg>
      </div>
      <ul className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-sm">
        {KINDS.map((name) => (
          <li key={name} className="flex items-center gap-1.5">
            <svg aria-hidden viewBox="0 0 10 10" className="size-2.5 shrink-0">
              <rect width="10" height="10" rx="2" className={INK[name]} />
            </svg>
            <span className="text-soft">{t(`flip.${name}`)}</span>
            <span className="font-medium tabular-nums">{figures.number(flips[name])}</span>
          </li>
        ))}
      </ul>
      <p className="mt-1 text-sm text-soft">{t("flips_about", { changed: flips.changed })}</p>
    </figure>
  );
}

interface SideProps {
  counts: { right: number; wrong: number };
  x: number;
  textX: number;
  anchor: "start" | "end";
}

function Side({ counts, x, textX, anchor }: SideProps) {
  const t = useTranslations("evaluations.report");
  const figures = useFigures();
  const gap = 10;
  const unit = (HEIGHT - gap) / Math.max(1, counts.right + counts.wrong);
  const rightPx = counts.right * unit;
  const bars = [
    { name: "right" as const, top: 0, height: rightPx },
    { name: "wrong" as const, top: rightPx + gap, height: counts.wrong * unit },
  ];
  // Two thin bars would write on each other: their words keep a line apart.
  const firstY = Math.max(10, rightPx / 2 + 4);
  const textY = { right: firstY, wrong: Math.max(firstY + 15, rightPx + gap + (counts.wrong * unit) / 2 + 4) };
  return (
    <>
      {bars.map(({ name, top, height }) => (
        <g key={name}>
          <rect x={x} y={top} width={BAR} height={height} className={name === "right" ? "fill-good" : "fill-bad"} />
          <text x={textX} y={Math.min(HEIGHT + 4, textY[name])} textAnchor={anchor} className="fill-ink tabular-nums">
            {`${figures.number(counts[name])} ${t(name)}`}
          </text>
        </g>
      ))}
    </>
  );
}
