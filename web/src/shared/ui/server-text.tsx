"use client";

// A sentence of the server's own: in the language of the page where it is a known one, else read out as the English that it is.
import { useServerWords } from "@/shared/server-words";

export function ServerText({ text }: { text: string }) {
  const words = useServerWords()(text);
  return words ?? <span lang="en">{text}</span>;
}
