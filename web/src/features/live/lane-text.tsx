"use client";

// The text of an answer, as it is written: Markdown, or JSON as it stands.
import clsx from "clsx";
import { ArrowDown } from "lucide-react";
import { useDeferredValue, useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { Markdown } from "@/shared/markdown/markdown";
import { Button } from "@/shared/ui/button";
import { useTail } from "./tail";

interface LaneTextProps {
  text: string;
  isGrowing: boolean;
  /** What the area is called for readers of the screen. */
  label: string;
  /** How high it may grow: `low` for what is no answer of a model, `side` where several stand side by side. */
  height: keyof typeof HEIGHTS;
}

const JSON_BEGINS = /^\s*[{[]\s*["{[\]}\d]/;
const HEIGHTS = { low: "max-h-28", side: "max-h-64", full: "max-h-96" };

export function LaneText({ text, isGrowing, label, height }: LaneTextProps) {
  const t = useTranslations("live.lane");
  const [isWhole, setWhole] = useState(false);
  // Several lanes speak at once: what is read and drawn of them may lag a frame, the page must not.
  const shown = useDeferredValue(text);
  const [isCut, setCut] = useState(false);
  const { ref, onScroll, isAway, follow } = useTail<HTMLDivElement>(shown, isGrowing);
  useEffect(() => {
    const area = ref.current;
    // Whole it is not cut: what was found before says that there is a way back.
    if (area === null || isGrowing || isWhole) return;
    const watching = new ResizeObserver(() => setCut(area.scrollHeight > area.clientHeight + 1));
    watching.observe(area);
    return () => watching.disconnect();
  }, [ref, isGrowing, isWhole, shown]);
  return (
    <div className="relative min-w-0">
      <div
        ref={ref}
        onScroll={onScroll}
        tabIndex={0}
        role="group"
        aria-label={label}
        data-text
        className={clsx(
          "overflow-y-auto pr-1",
          !isWhole && HEIGHTS[height],
          // What is cut fades out, and at its end there is nothing to cover.
          isCut && !isWhole && !isGrowing && "after:pointer-events-none after:sticky after:-bottom-px after:block after:h-6 after:bg-linear-to-t after:from-surface",
        )}
      >
        {JSON_BEGINS.test(shown) ? (
          <pre dir="ltr" className="font-mono text-xs whitespace-pre-wrap [overflow-wrap:anywhere]">
            {shown}
          </pre>
        ) : (
          <Markdown text={shown} />
        )}
      </div>
      {isAway && (
        <Button size="sm" onClick={follow} className="absolute right-2 bottom-1 shadow-lift">
          <ArrowDown aria-hidden className="size-3.5" />
          {t("follow")}
        </Button>
      )}
      {!isGrowing && isCut && (
        <Button size="sm" look="quiet" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)} className="mt-1">
          {isWhole ? t("less") : t("whole")}
        </Button>
      )}
    </div>
  );
}
