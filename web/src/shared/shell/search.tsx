"use client";

// The command palette until it is fetched: its field is there at once, and what is typed into it is not lost.
import { useTranslations } from "use-intl";
import { create } from "zustand";
import { Dialog } from "@/shared/ui/dialog";

export const FIELD = "h-12 w-full border-b border-line bg-transparent px-4 text-lg outline-none placeholder:text-soft";

/** Whether something is searched for, and the words that were typed for it. */
export const useSearch = create<{ isOpen: boolean; words: string }>(() => ({ isOpen: false, words: "" }));

export function setSearching(isOpen: boolean): void {
  useSearch.setState({ isOpen, words: "" });
}

export function setWords(words: string): void {
  useSearch.setState({ words });
}

export function SearchComing() {
  const t = useTranslations("common.palette");
  const words = useSearch((state) => state.words);
  return (
    <Dialog open title={t("title")} hideTitle place="top" onClose={() => setSearching(false)}>
      <input
        data-autofocus
        aria-label={t("title")}
        placeholder={t("hint")}
        value={words}
        onChange={({ target }) => setWords(target.value)}
        className={FIELD}
      />
      <div aria-busy className="h-[50dvh]" />
    </Dialog>
  );
}
