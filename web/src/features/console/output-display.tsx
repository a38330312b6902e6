"use client";

// What one model answered (OutputDisplay), and what it took.
import { MessageSquarePlus } from "lucide-react";
import { useTranslations } from "use-intl";
import type { components } from "@/shared/api/schema";
import { useFigures } from "@/shared/format/figures";
import { LateMarkdown } from "@/shared/markdown/late";
import { Badge } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { CopyButton } from "@/shared/ui/copy";
import { Panel } from "@/shared/ui/panel";
import { ServerText } from "@/shared/ui/server-text";
import { useDraft, type ExecutionRequest } from "./draft";

interface Answered {
  asked: ExecutionRequest | undefined;
  result: Result | undefined;
  /** Once the draft follows on from this answer. */
  onFollowUp: () => void;
}

type Result = components["schemas"]["ExecutionResult"];

export function OutputDisplay({ asked, result, onFollowUp }: Answered) {
  const t = useTranslations("console");
  if (result === undefined) return null;
  const text = result.result ?? result.error?.detail ?? t("result_none");
  return (
    <Panel title={t("result")} actions={<CopyButton text={text} />}>
      <div aria-live="polite">
        {result.result ? (
          <LateMarkdown text={result.result} />
        ) : (
          <p className="break-words whitespace-pre-wrap">{result.error ? <ServerText text={text} said={result.error.said} /> : text}</p>
        )}
      </div>
      <Took result={result} />
      {result.notes?.map((note) => (
        <p key={note} className="mt-1 text-xs text-soft">
          <ServerText text={note} />
        </p>
      ))}
      {asked !== undefined && result.status === "completed" && result.result && (
        <FollowUp asked={asked} answer={result.result} onFollowUp={onFollowUp} />
      )}
    </Panel>
  );
}

/** Who answered, and what it took. */
function Took({ result }: { result: Result }) {
  const figures = useFigures();
  return (
    <p className="mt-3 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-soft">
      {result.model && <span>{result.model}</span>}
      {result.cache_hit !== null && <Badge tone={result.cache_hit ? "good" : "warn"}>{result.cache_hit ? "HIT" : "MISS"}</Badge>}
      {result.tokens && <span>{figures.tokens(result.tokens.completion_tokens)}</span>}
      {result.timings && <span>{figures.seconds(result.timings.total_s)}</span>}
      <span>{figures.usd(result.cost_usd)}</span>
    </p>
  );
}

function FollowUp({ asked, answer, onFollowUp }: { asked: ExecutionRequest; answer: string; onFollowUp: () => void }) {
  const t = useTranslations("console");
  const followUp = useDraft((draft) => draft.followUp);
  const press = () => {
    followUp(asked, answer);
    onFollowUp();
  };
  return (
    <Button size="sm" className="mt-3" onClick={press}>
      <MessageSquarePlus aria-hidden className="size-4" />
      {t("follow")}
    </Button>
  );
}
