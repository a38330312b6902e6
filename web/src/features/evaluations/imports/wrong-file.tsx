"use client";

// What is wrong with a file of answers: a sentence for each of its lines that does not fit.
import { TriangleAlert } from "lucide-react";
import { useTranslations } from "use-intl";
import { ApiProblem } from "@/shared/api/problem";
import { Problem } from "@/shared/ui/problem";
import { ServerText } from "@/shared/ui/server-text";
import { FileProblem, SameArm } from "./answers";

export function WrongFile({ error }: { error: Error }) {
  const t = useTranslations("evaluations.importing");
  if (error instanceof SameArm) return <Told text={t("same_arm", { arm: error.arm, one: error.files[0], other: error.files[1] })} />;
  if (!(error instanceof FileProblem)) return <Problem error={error} />;
  const { file, problem } = error;
  const lines = problem instanceof ApiProblem && problem.slug === "problems" ? (problem.document.errors ?? []) : [];
  if (lines.length === 0) return <Problem error={problem} />;
  return (
    <Told text={t("wrong_lines", { file, count: lines.length })}>
      <ul className="mt-1 max-h-60 list-disc overflow-y-auto pl-5 text-sm" aria-label={t("lines_of", { file })}>
        {lines.map(({ pointer, detail, said }) => (
          <li key={`${pointer} ${detail}`} className="break-words">
            <ServerText text={detail} said={said} />
          </li>
        ))}
      </ul>
    </Told>
  );
}

function Told({ text, children }: { text: string; children?: React.ReactNode }) {
  return (
    <div role="alert" className="flex items-start gap-3 rounded-md bg-bad-soft px-3 py-2">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0 flex-1">
        <p className="break-words">{text}</p>
        {children}
      </div>
    </div>
  );
}
