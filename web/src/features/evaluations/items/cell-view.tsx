"use client";

// One answer of one arm: what it came down to, its text, what was said on the way, what it took.
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { Badge } from "@/shared/ui/bits";
import { Fold } from "@/shared/ui/fold";
import { ServerText } from "@/shared/ui/server-text";
import type { Cell } from "../api";

export function CellView({ cell }: { cell: Cell }) {
  const t = useTranslations("evaluations.items");
  const figures = useFigures();
  const { prompt_tokens = 0, completion_tokens = 0, calls = 0, seconds = 0 } = cell;
  return (
    <section aria-label={cell.arm} className="min-w-0 rounded-md border border-line p-3">
      <Head cell={cell} />
      {cell.fault && <p className="mb-2 rounded-md bg-bad-soft px-2 py-1 text-sm"><ServerText text={cell.fault.message} said={cell.fault.said} /></p>}
      <p className="max-h-72 overflow-y-auto text-sm break-words whitespace-pre-wrap" tabIndex={0} role="group" aria-label={t("answer")}>
        {cell.answer ?? t("no_answer")}
      </p>
      <OnTheWay cell={cell} />
      <p className="mt-2 text-xs text-soft">
        {t("took", { calls, tokens: prompt_tokens + completion_tokens, seconds: figures.seconds(seconds) })}
      </p>
    </section>
  );
}

function Head({ cell: { arm, sample = 0, score = 0, status, choice } }: { cell: Cell }) {
  const t = useTranslations("evaluations.items");
  const figures = useFigures();
  const hasFailed = status !== undefined && status !== "completed";
  const says = hasFailed ? t("failed") : score >= 1 ? t("right") : score <= 0 ? t("wrong") : t("partly", { share: figures.share(score) });
  return (
    <p className="mb-2 flex flex-wrap items-center gap-2">
      <span className="min-w-0 font-medium break-words">{arm}</span>
      {sample > 0 && <span className="text-sm text-soft">{t("sample", { sample: sample + 1 })}</span>}
      <Badge tone={score >= 1 ? "good" : score <= 0 ? "bad" : "warn"}>{says}</Badge>
      <span className="text-sm text-soft">{typeof choice === "string" ? t("came_to", { choice }) : t("not_read")}</span>
    </p>
  );
}

function OnTheWay({ cell: { statements = [] } }: { cell: Cell }) {
  const t = useTranslations("evaluations.items");
  if (statements.length === 0) return null;
  const tone = (score: number | null | undefined) => (typeof score !== "number" ? "" : score >= 1 ? "text-good" : "text-bad");
  return (
    <Fold mustShow={false} className="mt-2">
      <summary className="w-fit text-sm text-soft hover:text-ink">{t("on_the_way")}</summary>
      <ol className="mt-1 flex flex-col gap-1 text-sm">
        {statements.map((one, index) => (
          <li key={index} className="flex items-baseline justify-between gap-2">
            <span className="min-w-0 break-words text-soft">{t("statement", { speaker: one.speaker, part: t(`part.${one.part}`) })}</span>
            <span className={tone(one.score)}>{one.choice ?? "–"}</span>
          </li>
        ))}
      </ol>
    </Fold>
  );
}
