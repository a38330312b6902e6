"use client";

// The text of an answer, as it is written: Markdown, or JSON as it stands.
import clsx from "clsx";
import { ArrowDown } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslations } from "use-intl";
import { Markdown } from "@/shared/markdown/markdown";
import { Button } from "@/shared/ui/button";
import { useTail } from "./tail";

interface LaneTextProps {
  text: string;
  isGrowing: boolean;
  /** What the area is called for readers of the screen. */
  label: string;
  /** Lower, where several stand side by side. */
  isNarrow: boolean;
}

const JSON_BEGINS = /^\s*[{[]\s*["{[\]}\d]/;
const LONG_CHARS = 900;

export function LaneText({ text, isGrowing, label, isNarrow }: LaneTextProps) {
  const t = useTranslations("live.lane");
  const [isWhole, setWhole] = useState(false);
  // Several lanes speak at once: what is read and drawn of them may lag a frame, the page must not.
  const shown = useDeferredValue(text);
  const { ref, onScroll, isAway, follow } = useTail<HTMLDivElement>(shown, isGrowing);
  return (
    <div className="relative min-w-0">
      <div
        ref={ref}
        onScroll={onScroll}
        tabIndex={0}
        role="group"
        aria-label={label}
        data-text
        className={clsx("overflow-y-auto pr-1", !isWhole && (isNarrow ? "max-h-64" : "max-h-96"))}
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
      {!isGrowing && text.length > LONG_CHARS && (
        <Button size="sm" look="quiet" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)} className="mt-1">
          {isWhole ? t("less") : t("whole")}
        </Button>
      )}
    </div>
  );
}
