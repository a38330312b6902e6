"use client";

// A table that scrolls by itself where the page is narrower than it.
import type { ReactNode } from "react";

export function Table({ caption, heads, children }: { caption: string; heads: readonly string[]; children: ReactNode }) {
  return (
    <div tabIndex={0} role="group" aria-label={caption} className="overflow-x-auto">
      <table className="w-full min-w-[32rem] text-sm">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col" className="border-b border-line py-1 pr-3 text-start text-xs font-medium text-soft">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export function Cell({ children }: { children: ReactNode }) {
  return (
    <td dir="auto" className="max-w-96 border-b border-line py-1.5 pr-3 break-words [unicode-bidi:isolate]">
      {children}
    </td>
  );
}
