"use client";

// What a challenger found, how a vote came out, what a judge said: as tables.
import { useTranslations } from "use-intl";
import type { Gravity, Judgement, Tally, Verdict } from "@/run/issues";
import { useFigures } from "@/shared/format/figures";
import { Badge, Meter, type Tone } from "@/shared/ui/bits";
import { Cell, Table } from "./table";
import { useVoiceName } from "./voices";

const GRAVITY = {
  0: ["plain", "taste"],
  1: ["plain", "minor"],
  2: ["warn", "serious"],
  3: ["bad", "critical"],
} as const satisfies Record<Gravity, readonly [Tone, string]>;

export function IssueTable({ verdict }: { verdict: Verdict }) {
  const t = useTranslations("live.issues");
  return (
    <div className="flex flex-col gap-2">
      {verdict.isAccepted !== null && (
        <p>
          <Badge tone={verdict.isAccepted ? "good" : "warn"}>{verdict.isAccepted ? t("accepted") : t("not_accepted")}</Badge>
        </p>
      )}
      {verdict.issues.length === 0 ? (
        <p className="text-soft">{t("none")}</p>
      ) : (
        <Table caption={t("label")} heads={[t("severity"), t("where"), t("why"), t("fix")]}>
          {verdict.issues.map((issue, place) => (
            <tr key={place} className="align-top">
              <td className="border-b border-line py-1.5 pr-3">
                <Badge tone={issue.gravity === null ? "plain" : GRAVITY[issue.gravity][0]}>
                  {issue.gravity === null ? issue.severity || t("unsaid") : t(`gravity.${GRAVITY[issue.gravity][1]}`)}
                </Badge>
              </td>
              <Cell>{issue.where}</Cell>
              <Cell>{issue.why}</Cell>
              <Cell>{issue.fix}</Cell>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}

export function VoteTable({ tally }: { tally: Tally }) {
  const t = useTranslations("live.votes");
  const nameOf = useVoiceName();
  const figures = useFigures();
  const all = tally.counts.reduce((sum, count) => sum + count.votes, 0);
  return (
    <div className="flex flex-col gap-2">
      <p className="flex flex-wrap gap-1.5 empty:hidden">
        {tally.isTied && <Badge tone="warn">{t("tied")}</Badge>}
        {tally.abstained > 0 && <Badge>{t("abstained", { count: tally.abstained })}</Badge>}
      </p>
      {tally.counts.length === 0 ? (
        <p className="text-soft">{t("none")}</p>
      ) : (
        <Table caption={t("label")} heads={[t("choice"), t("votes"), t("voters")]}>
          {tally.counts.map((count, place) => (
            <tr key={place} className="align-top">
              <Cell>
                <span className={count.choice === tally.winner ? "font-semibold" : ""}>{count.choice}</span>
                {count.choice === tally.winner && <span className="text-good"> {t("wins")}</span>}
              </Cell>
              <td className="w-28 border-b border-line py-1.5 pr-3 tabular-nums">
                {figures.number(count.votes, Number.isInteger(count.votes) ? 0 : 2)}
                <Meter label={t("share", { choice: count.choice })} value={all > 0 ? count.votes / all : 0} />
              </td>
              <Cell>{count.voters.map(nameOf).join(", ")}</Cell>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}

export function JudgeTable({ judgement }: { judgement: Judgement }) {
  const t = useTranslations("live.judge");
  const nameOf = useVoiceName();
  const figures = useFigures();
  return (
    <div className="flex flex-col gap-2">
      <p className="flex flex-wrap gap-1.5 empty:hidden">
        {judgement.isTied && <Badge tone="warn">{t("tied")}</Badge>}
        {judgement.flipped > 0 && <Badge tone="warn">{t("flipped", { count: judgement.flipped })}</Badge>}
        {judgement.unread > 0 && <Badge tone="warn">{t("unread", { count: judgement.unread })}</Badge>}
        {judgement.leftOut > 0 && <Badge>{t("left_out", { count: judgement.leftOut })}</Badge>}
      </p>
      <Table caption={t("label")} heads={[t("candidate"), t("score"), t("why")]}>
        {judgement.scores.map((one, place) => (
          <tr key={place} className="align-top">
            <Cell>
              <span className={one.candidate === judgement.winner ? "font-semibold" : ""}>{nameOf(one.candidate)}</span>
              {one.candidate === judgement.winner && <span className="text-good"> {t("wins")}</span>}
            </Cell>
            <Cell>{one.score === null ? t("unsaid") : figures.number(one.score, Number.isInteger(one.score) ? 0 : 1)}</Cell>
            <Cell>{one.why}</Cell>
          </tr>
        ))}
      </Table>
      {judgement.reasons.length > 0 && (
        <details>
          <summary className="text-sm text-soft">{t("reasons")}</summary>
          <ul className="mt-1 flex list-disc flex-col gap-1 pl-5 text-sm">
            {judgement.reasons.map((reason, place) => (
              <li key={place} dir="auto" className="[overflow-wrap:anywhere]">
                {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
