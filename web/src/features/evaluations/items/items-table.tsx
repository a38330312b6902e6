"use client";

// Items in rows, with the mark of each of two arms.
import { Check, Minus, X } from "lucide-react";
import { useTranslations } from "use-intl";
import { useFigures } from "@/shared/format/figures";
import type { ItemRow } from "../api";

interface TableProps {
  rows: readonly ItemRow[];
  arms: readonly [string, string];
  onOpen: (item: string) => void;
}

export function ItemsTable({ rows, arms, onOpen }: TableProps) {
  const t = useTranslations("evaluations.items");
  const shown = arms[0] === arms[1] ? [arms[0]] : arms;
  return (
    <div role="group" aria-label={t("title")} tabIndex={0} className="overflow-x-auto">
      <table className="w-full min-w-[34rem] table-fixed text-left text-sm">
        <thead className="text-xs text-soft">
          <tr>
            <th scope="col" className="px-4 py-2 font-medium">
              {t("question")}
            </th>
            <th scope="col" className="w-28 px-2 py-2 font-medium">
              {t("target")}
            </th>
            {shown.map((arm) => (
              <th key={arm} scope="col" className="w-32 px-2 py-2 font-medium">
                <span className="line-clamp-2 break-words">{arm}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ item, marks }) => (
            <tr key={item.id} className="relative border-t border-line align-top hover:bg-sunken">
              <td className="px-4 py-2">
                <button
                  type="button"
                  aria-haspopup="dialog"
                  className="text-left after:absolute after:inset-0"
                  onClick={() => onOpen(item.id)}
                >
                  <span className="line-clamp-2 break-words">{item.input}</span>
                </button>
              </td>
              <td className="px-2 py-2">
                <span className="line-clamp-2 break-words">{item.target ?? "–"}</span>
              </td>
              {shown.map((arm) => (
                <td key={arm} className="px-2 py-2">
                  <MarkOf mark={marks[arm]} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function MarkOf({ mark }: { mark: ItemRow["marks"][string] | undefined }) {
  const t = useTranslations("evaluations.items");
  const figures = useFigures();
  if (mark === undefined) return <span className="text-soft">–</span>;
  const [tone, Icon] = mark.score >= 1 ? (["text-good", Check] as const) : mark.score <= 0 ? (["text-bad", X] as const) : (["text-warn", Minus] as const);
  const says =
    mark.failed === mark.samples ? t("failed") : mark.score >= 1 ? t("right") : mark.score <= 0 ? t("wrong") : t("partly", { share: figures.share(mark.score) });
  return (
    <>
      <span className={`flex items-center gap-1 ${tone}`}>
        <Icon aria-hidden className="size-4 shrink-0" />
        {says}
      </span>
      {mark.choice !== null && <span className="line-clamp-1 text-xs break-all text-soft">{mark.choice}</span>}
    </>
  );
}
