"use client";

// The verdict on a pair as a sentence, in the language of the page: the server's own where that is English, else the
// same from its figures.
import { useLocale, useTranslations } from "use-intl";
import type { NodeWorth, PairedDifference, Report } from "../api";
import { useReportWords } from "../words";

export function useVerdictSentence(report: Report): (one: PairedDifference) => string {
  const t = useTranslations("evaluations.report.said");
  const locale = useLocale();
  const words = useReportWords(report.unit);
  const { margin = 0.02, alpha = 0.05 } = report.evaluation.spec;
  const isJudged = report.scorer.startsWith("judge");
  const called = ({ against, cost_match }: PairedDifference) => {
    const k = report.arms.find(({ arm }) => arm === against)?.origin?.k;
    const other = k === null || k === undefined ? against : t("votes", { k: words.number(k, 1) });
    return cost_match?.equal === true ? t("other_equal", { other }) : other;
  };
  const atCost = ({ cost_match, cost_ratio }: PairedDifference) => {
    if (cost_match || typeof cost_ratio !== "number") return "";
    return isSame(cost_ratio) ? t("same_cost") : t("at_cost", { ratio: words.few(cost_ratio) });
  };
  return (one) => {
    if (locale === "en") return one.sentence;
    const { arm, verdict, difference, cost_match } = one;
    const rests = t("rests_on", {
      confidence: words.whole(report.confidence),
      range: words.pointRange(one.interval),
      p: words.p(one.p_adjusted),
    });
    const told = { arm, other: called(one), points: words.signed(difference), rests, cost: atCost(one) };
    const wanted = words.size(margin);
    switch (verdict) {
      case "better":
      case "worse": {
        const [up, down] = isJudged ? (["preferred", "less_liked"] as const) : (["better", "worse"] as const);
        const said = t(difference > 0 ? up : down, { ...told, points: words.size(difference) });
        return Math.abs(difference) < margin ? `${said} ${t("too_small", { margin: wanted })}` : said;
      }
      case "no_difference":
        return t("no_difference", { ...told, largest: words.size(roundedUp(one.largest_difference ?? margin)), margin: wanted });
      case "inconclusive": {
        const seen = { items: one.items, smallest: words.size(one.smallest_difference), margin: wanted };
        const isTorn = one.interval.low > 0 || one.interval.high < 0;
        const said = isTorn ? `${t("inconclusive", told)} ${t("torn", { alpha: words.p(alpha) })}` : t("inconclusive", told);
        return typeof one.items_needed === "number" ? `${said} ${t("needed", { ...seen, needed: one.items_needed })}` : said;
      }
      case "refused":
        if (!cost_match?.ratio) return t("no_price", told);
        return t("refused", { ...told, ratio: words.few(cost_match.ratio), tolerance: words.whole(cost_match.tolerance) });
    }
  };
}

/** So near to 1 that nobody would tell the two costs apart. */
function isSame(ratio: number): boolean {
  return Math.abs(ratio - 1) < 0.005;
}

/** To a tenth of a point, and never down: no more may be ruled out than was. */
function roundedUp(difference: number): number {
  return Math.ceil(Number((difference * 1000).toFixed(6))) / 1000;
}

/** What a node is worth, where that is known. */
export function useNodeSentence(): (node: NodeWorth) => string {
  const t = useTranslations("evaluations.report.said");
  const locale = useLocale();
  return ({ sentence, interval }) => {
    if (locale === "en" || !interval) return sentence ?? "";
    if (interval.low <= 0 && interval.high >= 0) return t("node_open");
    return t(interval.high < 0 ? "node_costs" : "node_brings");
  };
}

const LATER = /^(.*), round (\d+)$/;
const VOTED = /^vote of round (\d+)$/;

/** What the server calls a step between two answers: the draft, the answer, a vote, a speaker in a round. */
export function useStepWords(): (step: string) => string {
  const t = useTranslations("evaluations.report.step");
  return (step) => {
    if (step === "draft" || step === "answer") return t(step);
    if (step === "vote of the drafts") return t("drafts_vote");
    const voted = VOTED.exec(step);
    if (voted?.[1] !== undefined) return t("round_vote", { round: voted[1] });
    const later = LATER.exec(step);
    return later?.[1] !== undefined && later[2] !== undefined ? t("later", { speaker: later[1], round: later[2] }) : step;
  };
}
