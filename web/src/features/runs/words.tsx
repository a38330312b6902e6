"use client";

// The words and figures of all rows of the list, made once for them together.
import { createContext, use, useMemo, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { useFlowName } from "@/shared/flow/names";
import { useFigures } from "@/shared/format/figures";

interface Words {
  t: ReturnType<typeof useTranslations<"runs">>;
  figures: ReturnType<typeof useFigures>;
  flowName: (id: string) => string;
}

const Told = createContext<Words | null>(null);

export function RowWords({ children }: { children: ReactNode }) {
  const t = useTranslations("runs");
  const figures = useFigures();
  const flowName = useFlowName();
  const words = useMemo(() => ({ t, figures, flowName }), [t, figures, flowName]);
  return <Told value={words}>{children}</Told>;
}

export function useRowWords(): Words {
  const words = use(Told);
  if (words === null) throw new Error("a row stands outside of the list");
  return words;
}

const SHOWN_CHARS = 80;

/** A question as a name of something. */
export function short(question: string): string {
  return question.length > SHOWN_CHARS ? `${question.slice(0, SHOWN_CHARS - 1)}…` : question;
}

/** A model without the folders that it comes from. */
export function shortModel(key: string): string {
  return key.split("/").filter(Boolean).at(-1) ?? key;
}
