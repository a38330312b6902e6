"use client";

// Two texts and what became of the one in the other: in one text, or side by side.
import clsx from "clsx";
import { useMemo, useState } from "react";
import { useTranslations } from "use-intl";
import { blocksOf, folded, type Block, type Piece } from "./words";

const CONTEXT_LINES = 3;
const LOOKS = {
  same: "",
  gone: "bg-bad-soft text-bad line-through decoration-bad/50",
  new: "bg-good-soft text-good underline decoration-good/50 underline-offset-2",
};

interface TextDiffProps {
  before: string;
  after: string;
  /** `split` stands side by side where there is room, one above the other where there is none. */
  view?: "inline" | "split";
  /** Names of the two texts, for `split` and for readers of the screen. */
  labels?: readonly [string, string];
  className?: string;
}

export function TextDiff({ before, after, view = "inline", labels, className }: TextDiffProps) {
  const t = useTranslations("diff");
  const blocks = useMemo(() => blocksOf(before, after), [before, after]);
  const names = labels ?? [t("before"), t("after")];
  if (before === after) return <p className={clsx("text-soft", className)}>{before === "" ? t("both_empty") : t("same")}</p>;
  const Blocks = view === "split" ? SplitBlock : InlineBlock;
  return (
    <div role="group" aria-label={t("label", { before: names[0], after: names[1] })} className={clsx("min-w-0 text-base", className)}>
      {view === "split" && (
        <div aria-hidden className="hidden grid-cols-2 gap-x-4 border-b border-line pb-1 text-xs font-medium text-soft md:grid">
          <span>{names[0]}</span>
          <span>{names[1]}</span>
        </div>
      )}
      {blocks.map((block, place) => (
        <Blocks key={place} block={block} />
      ))}
    </div>
  );
}

const TEXT = "min-w-0 break-words whitespace-pre-wrap";
const FOLD = "my-0.5 block rounded-sm bg-sunken px-1.5 py-1 text-xs";

function InlineBlock({ block }: { block: Block }) {
  const [open, setOpen] = useState(false);
  if (block.kind === "same") return <Same text={block.text} open={open} onOpen={() => setOpen(true)} />;
  return (
    <p className={TEXT}>
      <Pieces pieces={block.pieces} />
    </p>
  );
}

function SplitBlock({ block }: { block: Block }) {
  const [open, setOpen] = useState(false);
  if (block.kind === "same")
    return (
      <div className="grid gap-x-4 md:grid-cols-2">
        <Same text={block.text} open={open} onOpen={() => setOpen(true)} />
        <div aria-hidden className="hidden min-w-0 select-none md:block">
          <Same text={block.text} open={open} />
        </div>
      </div>
    );
  return (
    <div className="grid gap-x-4 border-y border-line/60 md:grid-cols-2">
      <p className={TEXT}>
        <Pieces pieces={block.pieces.filter(({ kind }) => kind !== "new")} />
      </p>
      <p className={TEXT}>
        <Pieces pieces={block.pieces.filter(({ kind }) => kind !== "gone")} />
      </p>
    </div>
  );
}

interface SameProps {
  text: string;
  open: boolean;
  /** What shows all of it; its twin beside it has none. */
  onOpen?: () => void;
}

/** A text in which nothing changed; of a long one the middle is folded away. */
function Same({ text, open, onOpen }: SameProps) {
  const t = useTranslations("diff");
  const plain = text.replace(/\n$/, "");
  const fold = open ? null : folded(plain, CONTEXT_LINES);
  if (fold === null) return <p className={clsx(TEXT, "text-soft")}>{plain}</p>;
  return (
    <div className="min-w-0 text-soft">
      <p className={TEXT}>{fold.head}</p>
      {onOpen === undefined ? (
        <p className={FOLD}>…</p>
      ) : (
        <button type="button" onClick={onOpen} className={clsx(FOLD, "hover:text-ink")}>
          {t("hidden", { count: fold.hidden })}
        </button>
      )}
      <p className={TEXT}>{fold.tail}</p>
    </div>
  );
}

function Pieces({ pieces }: { pieces: readonly Piece[] }) {
  return pieces.map(({ kind, text }, place) => {
    if (kind === "same") return <span key={place}>{text}</span>;
    const Mark = kind === "gone" ? "del" : "ins";
    return (
      <Mark key={place} className={clsx("rounded-sm", LOOKS[kind])}>
        {text}
      </Mark>
    );
  });
}
