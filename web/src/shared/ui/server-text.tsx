"use client";

// A sentence of the server's own: in the language of the page where it is a known one, else read out as the English that it is.
import { useSaid, useServerWords, type Said } from "@/shared/server-words";

/** `said`: what the text says, where the server tells that too. */
export function ServerText({ text, said }: { text: string; said?: Said | null | undefined }) {
  const told = useSaid()(said);
  const words = useServerWords()(text);
  if (told !== undefined) return told;
  return words ?? <span lang="en">{text}</span>;
}
