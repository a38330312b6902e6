"use client";

// What the two runs took, and how much the one took more than the other.
import clsx from "clsx";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import { Panel } from "@/shared/ui/panel";
import type { Comparison } from "./queries";

export function Figures({ comparison: { left, right, difference } }: { comparison: Comparison }) {
  const t = useTranslations("runs.comparison");
  const figures = useFigures();
  const signed = useSigned();
  const [a, b] = [left.totals, right.totals];
  const reused = (b.reused_calls ?? 0) - (a.reused_calls ?? 0);
  const rows: [string, ReactNode, ReactNode, ReactNode][] = [
    [t("cost"), figures.usd(a.cost_usd), figures.usd(b.cost_usd), difference.cost_usd === null ? "–" : signed(difference.cost_usd, figures.usd)],
    [t("seconds"), figures.seconds(a.seconds), figures.seconds(b.seconds), signed(difference.seconds, figures.seconds)],
    [t("calls"), figures.number(a.calls ?? 0), figures.number(b.calls ?? 0), signed(difference.calls, figures.number)],
    [t("reused"), figures.number(a.reused_calls ?? 0), figures.number(b.reused_calls ?? 0), signed(reused, figures.number)],
    [t("prompt_tokens"), figures.number(a.prompt_tokens ?? 0), figures.number(b.prompt_tokens ?? 0), signed(difference.prompt_tokens, figures.number)],
    [t("completion_tokens"), figures.number(a.completion_tokens ?? 0), figures.number(b.completion_tokens ?? 0), signed(difference.completion_tokens, figures.number)],
  ];
  return (
    <Panel title={t("figures")} flush>
      <table className="w-full text-left text-xs sm:text-base">
        <thead>
          <tr className="border-b border-line text-xs text-soft">
            <th scope="col" className="px-3 py-2 font-medium sm:px-4">
              <span className="sr-only">{t("figures")}</span>
            </th>
            {(["left", "right", "difference"] as const).map((name) => (
              <th key={name} scope="col" className="px-1 py-2 text-right font-medium last:pr-3 sm:px-2 sm:last:pr-4">
                {t(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {rows.map(([name, one, other, change]) => (
            <tr key={name}>
              <Name>{name}</Name>
              <Cell>{one}</Cell>
              <Cell>{other}</Cell>
              <Cell strong>{change}</Cell>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Name({ children }: { children: ReactNode }) {
  return (
    <th scope="row" className="py-2 pr-1 pl-3 font-normal text-soft [overflow-wrap:anywhere] sm:px-4">
      {children}
    </th>
  );
}

function Cell({ children, strong = false }: { children?: ReactNode; strong?: boolean }) {
  return <td className={clsx("px-1 py-2 text-right tabular-nums [overflow-wrap:anywhere] last:pr-3 sm:px-2 sm:last:pr-4", strong && "font-medium")}>{children}</td>;
}

/** A difference with its sign; a dash where there is none. */
export function useSigned() {
  return (value: number, write: (amount: number) => string) => {
    if (value === 0) return "–";
    return `${value > 0 ? "+" : "−"}${write(Math.abs(value))}`;
  };
}
