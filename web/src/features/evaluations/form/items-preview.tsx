"use client";

// A few items of a dataset, to see that they were read as they were meant.
import { useTranslations } from "use-intl";
import type { components } from "@/shared/api/schema";

export function ItemsPreview({ items }: { items: readonly components["schemas"]["Item"][] }) {
  const t = useTranslations("evaluations.form");
  return (
    <table className="w-full table-fixed text-left text-sm">
      <thead className="text-xs text-soft">
        <tr>
          <th scope="col" className="py-1 pr-2 font-medium">
            {t("question")}
          </th>
          <th scope="col" className="w-1/3 py-1 font-medium">
            {t("target")}
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map(({ id, input, target }) => (
          <tr key={id} className="border-t border-line align-top">
            <td className="py-1 pr-2">
              <span className="line-clamp-2 break-words">{input}</span>
            </td>
            <td className="py-1">
              <span className={target === null ? "text-soft" : "line-clamp-2 break-words"}>{target ?? t("no_target")}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
