"use client";

// All that is wrong with the flow, in one line that unfolds; each problem leads to its place.
import { CircleAlert, CircleCheck, LoaderCircle, TriangleAlert } from "lucide-react";
import { useId } from "react";
import { useTranslations } from "use-intl";
import { useSentence } from "@/shared/ui/problem";
import { useBuilderStore } from "../store";
import { useProblems, type Checking } from "./checks";
import type { PlacedProblem } from "./places";

export function ProblemList({ checking: { isChecking, error } }: { checking: Checking }) {
  const t = useTranslations("inspector.problems");
  const sentence = useSentence();
  const problems = useProblems();
  const titleId = useId();
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  const Icon = errors > 0 ? CircleAlert : warnings > 0 ? TriangleAlert : CircleCheck;
  const tone = errors > 0 ? "text-bad" : warnings > 0 ? "text-warn" : "text-good";
  const words = [errors > 0 && t("count", { count: errors }), warnings > 0 && t("warnings", { count: warnings })].filter(Boolean).join(" · ");
  return (
    <section aria-labelledby={titleId} className="border-t border-line">
      <details className="group">
        <summary className="flex min-h-10 items-center gap-2 px-4 py-2 text-sm">
          <Icon aria-hidden className={`size-4 shrink-0 ${tone}`} />
          <span id={titleId} className="min-w-0 flex-1" aria-live="polite">
            {words || t("none")}
          </span>
          {isChecking && <LoaderCircle aria-label={t("checking")} className="size-4 animate-spin text-soft" />}
        </summary>
        {error !== null && <p className="px-4 pb-2 text-sm text-bad">{t("unchecked", { reason: sentence(error) })}</p>}
        {problems.length > 0 && (
          <ul className="max-h-[40dvh] overflow-y-auto px-2 pb-2">
            {problems.map((problem) => (
              <li key={problem.key}>
                <OneProblem problem={problem} />
              </li>
            ))}
          </ul>
        )}
      </details>
    </section>
  );
}

function OneProblem({ problem: { place, message, severity } }: { problem: PlacedProblem }) {
  const t = useTranslations("inspector.problems");
  const store = useBuilderStore();
  const at = place.is === "node" ? t("at_node", { id: place.id }) : place.is === "edge" ? t("at_edge", { id: place.id }) : t("at_flow");
  const go = () => {
    const { openTab, setFlowTab, show, select } = store.getState();
    if (place.is === "node" && place.id !== "") {
      show(place.id);
      openTab(place.id, "settings");
    } else if (place.is === "edge" && place.id !== "") select([], [place.id]);
    else {
      select([]);
      setFlowTab("settings");
    }
  };
  return (
    <button type="button" onClick={go} className="flex w-full flex-col gap-0.5 rounded-md px-2 py-1.5 text-left hover:bg-sunken">
      <span className="flex flex-wrap items-center gap-x-2 text-xs text-soft">
        {at}
        {place.setting !== "" && <code className="font-mono">{[place.setting, ...place.rest].join(" / ")}</code>}
        {severity === "warning" && <span className="text-warn">{t("warning")}</span>}
      </span>
      <span className="text-sm break-words">{message}</span>
    </button>
  );
}
