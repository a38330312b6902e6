"use client";

// What files of answers were understood as: their arms, what is missing, the first answers.
import { useTranslations } from "use-intl";
import { ServerText } from "@/shared/ui/server-text";
import type { Reading } from "./answers";

const SHOWN_ITEMS = 3;
const SHOWN_ARMS = 4;
const SHOWN_CHARS = 300;

export function ReadingView({ reading, keeps }: { reading: Reading; keeps: boolean }) {
  const t = useTranslations("evaluations.importing");
  const form = useTranslations("evaluations.form");
  const { dataset, samples, sources, warnings, said } = reading;
  const name = dataset.source === "built-in" ? form("demo_short") : dataset.name;
  return (
    <div role="status" className="flex min-w-0 flex-col gap-3">
      <p className="font-medium">
        {t("found", { arms: Object.keys(sources).length, items: dataset.items, dataset: name, samples })}
        {keeps && <span className="font-normal text-soft"> {t("keeps", { name: dataset.name })}</span>}
      </p>
      <Arms reading={reading} />
      {warnings.length > 0 && (
        <ul aria-label={t("warnings")} className="flex list-disc flex-col gap-1 pl-5 text-sm text-warn">
          {warnings.map((warning) => (
            <li key={warning} className="break-words">
              <ServerText text={warning} said={said[warning]} />
            </li>
          ))}
        </ul>
      )}
      <First reading={reading} />
    </div>
  );
}

function Arms({ reading: { answers, sources } }: { reading: Reading }) {
  const t = useTranslations("evaluations.importing");
  return (
    <table className="w-full table-fixed text-left text-sm" aria-label={t("arms")}>
      <thead className="text-xs text-soft">
        <tr>
          {(["arm", "answers", "missing"] as const).map((name) => (
            <th key={name} scope="col" className="py-1 font-medium not-first:w-24 not-first:text-right">
              {t(`head.${name}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Object.entries(sources).map(([arm, file]) => {
          const given = answers[arm] ?? [];
          const missing = given.filter(({ answer }) => (answer ?? null) === null).length;
          return (
            <tr key={arm} className="border-t border-line">
              <th scope="row" className="py-1 pr-2 font-medium [overflow-wrap:anywhere]">
                {arm} <span className="font-normal text-soft">{file}</span>
              </th>
              <td className="py-1 text-right tabular-nums">{t("count", { count: given.length - missing })}</td>
              <td className={`py-1 text-right tabular-nums ${missing > 0 ? "text-warn" : "text-soft"}`}>{t("count", { count: missing })}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function First({ reading: { items, answers } }: { reading: Reading }) {
  const t = useTranslations("evaluations");
  const arms = Object.keys(answers).slice(0, SHOWN_ARMS);
  return (
    <section aria-label={t("importing.first")}>
      <p className="mb-1 text-sm text-soft">{t("importing.first")}</p>
      <ul className="divide-y divide-line border-t border-line text-sm">
        {items.slice(0, SHOWN_ITEMS).map(({ id, input, target }) => (
          <li key={id} className="flex flex-col gap-1 py-2">
            <p className="line-clamp-2 font-medium break-words">{input}</p>
            <dl className="grid grid-cols-[minmax(5rem,auto)_minmax(0,1fr)] gap-x-3 gap-y-0.5">
              <dt className="text-soft">{t("form.target")}</dt>
              <dd className="line-clamp-1 break-words">{target ?? t("form.no_target")}</dd>
              {arms.map((arm) => (
                <Answer key={arm} arm={arm} text={answers[arm]?.find(({ item }) => item === id)?.answer ?? null} />
              ))}
            </dl>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Answer({ arm, text }: { arm: string; text: string | null }) {
  const t = useTranslations("evaluations.items");
  return (
    <>
      <dt className="max-w-40 truncate text-soft">{arm}</dt>
      <dd className={text === null ? "text-warn" : "line-clamp-2 break-words"}>{text === null ? t("no_answer") : text.slice(0, SHOWN_CHARS)}</dd>
    </>
  );
}
