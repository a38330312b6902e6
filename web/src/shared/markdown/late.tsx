"use client";

// A model's Markdown, fetched when the first of it is shown: screens that may show some, or none, are smaller without it.
import { late, type Missing } from "@/shared/ui/late";
import { Problem } from "@/shared/ui/problem";

export const LateMarkdown = late(() => import("./markdown").then((module) => module.Markdown), { missing: AsWritten });

/** The text as it was written, where what reads it could not be fetched. */
function AsWritten({ text, ...told }: { text: string } & Missing) {
  return (
    <div className="flex flex-col gap-3">
      <Problem {...told} />
      <p dir="auto" className="[overflow-wrap:anywhere] whitespace-pre-wrap">
        {text}
      </p>
    </div>
  );
}
