"use client";

// What is going on at this moment, in a sentence that readers of the screen hear too.
import { queryOptions, skipToken, useQuery } from "@tanstack/react-query";
import { useTranslations } from "use-intl";
import type { RunView } from "@/run/events";
import { api, told } from "@/shared/api/client";
import { useRunView, useTranscript } from "@/shared/run/run";
import { Button } from "@/shared/ui/button";
import { Panel } from "@/shared/ui/panel";
import { showTurn } from "./anchors";
import { useRunHere } from "./here";

/** Holds the place of the answer while the run goes on. */
export function Now() {
  const t = useTranslations("live.outcome");
  const sentence = useSentenceNow();
  return (
    <Panel title={t("title")}>
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-2">
        <p role="status" aria-live="polite" className="min-h-6 text-soft">
          {sentence}
        </p>
        <ToThePerson />
      </div>
    </Panel>
  );
}

/** The way to the question that waits: it may stand far below what was said before it. */
function ToThePerson() {
  const t = useTranslations("live.now");
  const waiting = useRunView(useRunHere())?.nodes.find(({ status }) => status === "waiting_for_person");
  if (waiting === undefined) return null;
  return (
    <Button size="sm" look="primary" onClick={() => showTurn(waiting.id, waiting.visits)}>
      {t("to_person")}
    </Button>
  );
}

const LOOK_MS = 3_000;
const MOST = 200;

/** How many runs that began to wait before this moment still do; asked only while this one waits too. */
const aheadQuery = (runId: string, since: string | null) =>
  queryOptions({
    queryKey: ["run", runId, "ahead"],
    queryFn:
      since === null
        ? skipToken
        : ({ signal }) => told(api.GET("/api/runs", { params: { query: { status: "queued", until: since, limit: MOST } }, signal })),
    select: (page) => page.runs.length,
    refetchInterval: LOOK_MS,
  });

/** As the server counted when the run came, until it is asked anew. */
function useAhead(view: RunView | null): number {
  const then = useTranscript(useRunHere(), "ahead");
  const waitsSince = view?.status === "queued" ? view.created_at : null;
  return useQuery(aheadQuery(view?.run_id ?? "", waitsSince)).data ?? then ?? 0;
}

function useSentenceNow(): string {
  const t = useTranslations("live.now");
  const run = useRunHere();
  const view = useRunView(run);
  const ahead = useAhead(view);
  if (view === null) return t("loading");
  if (view.status === "queued") return t("queued", { ahead });
  if (view.status === "paused") return t("paused");
  const people = labels(view, "waiting_for_person");
  if (people.length > 0) return t("waiting", { names: people.join(", ") });
  const names = labels(view, "running");
  return names.length === 0 ? t("between") : t("running", { count: names.length, names: names.join(", ") });
}

/** Nodes of the run's own flow: what goes on within one of them is its own. */
function labels(view: RunView, status: RunView["nodes"][number]["status"]): readonly string[] {
  return view.nodes.filter((node) => node.status === status && !node.id.includes("/")).map((node) => node.label);
}
