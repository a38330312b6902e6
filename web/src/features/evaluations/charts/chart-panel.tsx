"use client";

// A drawing with its title, a sentence on how to read it, and a table that says the same.
import { useId, useState, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Button } from "@/shared/ui/button";
import { Panel } from "@/shared/ui/panel";

interface ChartPanelProps {
  title: string;
  about: string;
  table: ReactNode;
  children: ReactNode;
}

export function ChartPanel({ title, about, table, children }: ChartPanelProps) {
  const t = useTranslations("evaluations.report");
  const id = useId();
  const [isTable, setTable] = useState(false);
  return (
    <Panel
      title={title}
      actions={
        <Button
          size="sm"
          look="quiet"
          aria-controls={id}
          aria-label={`${title}: ${t(isTable ? "as_chart" : "as_table")}`}
          onClick={() => setTable(!isTable)}
        >
          {t(isTable ? "as_chart" : "as_table")}
        </Button>
      }
    >
      <p className="mb-3 max-w-prose text-sm text-soft">{about}</p>
      <div id={id}>{isTable ? table : children}</div>
    </Panel>
  );
}

interface TableProps {
  label: string;
  heads: readonly string[];
  rows: readonly (readonly ReactNode[])[];
  /** Below what width it is scrolled and not squeezed. */
  className?: string;
}

/** A table whose first column names its rows. */
export function PlainTable({ label, heads, rows, className = "" }: TableProps) {
  return (
    <div role="group" aria-label={label} tabIndex={0} className="overflow-x-auto">
      <table className={`w-full text-right text-sm whitespace-nowrap tabular-nums ${className}`}>
        <thead className="text-xs text-soft">
          <tr>
            {heads.map((head, index) => (
              <th key={head} scope="col" className={`px-2.5 py-1.5 font-medium first:pl-0 last:pr-0 ${index === 0 ? "text-left" : ""}`}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row} className="border-t border-line">
              {cells.map((cell, index) =>
                index === 0 ? (
                  <th key={index} scope="row" className="py-1.5 pr-2.5 text-left font-medium">
                    {cell}
                  </th>
                ) : (
                  <td key={index} className="px-2.5 py-1.5 last:pr-0">
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
