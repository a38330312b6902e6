// Names of those who spoke in a run, as its transcript titles them.
import { useTranslations } from "use-intl";
import { useRunView } from "@/shared/run/run";
import { useRunHere } from "./here";

const SAMPLE = /^(.+)#(\d+)$/;

/** What a voter is called: `voices#2` is the second answer of the node that is labelled "Voices". */
export function useVoiceName(): (voter: string) => string {
  const t = useTranslations("live.lane");
  const nodes = useRunView(useRunHere())?.nodes ?? [];
  return (voter) => {
    const [, node = voter, number] = SAMPLE.exec(voter) ?? [];
    const label = nodes.find(({ id }) => id === node)?.label;
    if (label === undefined) return voter;
    return number === undefined ? label : `${label} · ${t("sample", { number })}`;
  };
}
