"use client";

// The versions of a flow: publish one, go back to one, see what changed between any two.
import { useInfiniteQuery } from "@tanstack/react-query";
import { GitCompareArrows, History, Rocket } from "lucide-react";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { When } from "@/shared/format/when";
import { Badge, Skeleton } from "@/shared/ui/bits";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { late, MissingDialog } from "@/shared/ui/late";
import { Problem } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { useBuilder } from "../store";
import { Transfer } from "../transfer/transfer";
import { useEditVersions, versionsQuery, type VersionEntry } from "./api";

/** Loaded when two are compared first. */
const CompareDialog = late(() => import("./compare").then((module) => module.CompareDialog), { missing: MissingDialog });

type Asked = { verb: "publish" | "rollback"; version: number } | { verb: "withdraw"; version: null };

export function Versions() {
  const t = useTranslations("inspector.versions");
  const flowId = useBuilder((state) => state.flowId);
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const versions = useInfiniteQuery({ ...versionsQuery(flowId), enabled: !isReadOnly });
  const published = versions.data?.pages[0]?.published ?? null;
  const rows = versions.data?.pages.flatMap((page) => page.versions) ?? [];
  const isMissing = versions.error !== null && versions.data === undefined;
  return (
    <div className="flex flex-col gap-4">
      {isReadOnly && <p className="text-soft">{t("none")}</p>}
      {isMissing && <Problem error={versions.error} again={() => void versions.refetch()} />}
      {versions.isPending && !isReadOnly && <Skeleton className="h-40 w-full" />}
      {rows.length > 0 && <Stored flowId={flowId} rows={rows} published={published} />}
      {versions.hasNextPage && (
        <Button size="sm" look="quiet" className="w-fit" busy={versions.isFetchingNextPage} onClick={() => void versions.fetchNextPage()}>
          {t("more")}
        </Button>
      )}
      <Transfer isStored={!isReadOnly} isDraft={!isReadOnly && published === null} />
    </div>
  );
}

function Stored({ flowId, rows, published }: { flowId: string; rows: readonly VersionEntry[]; published: number | null }) {
  const t = useTranslations("inspector.versions");
  const [asked, setAsked] = useState<Asked | null>(null);
  const [compared, setCompared] = useState<{ from: string; to: string } | null>(null);
  const newest = rows[0]?.number ?? 1;
  const before = published !== null && published !== newest ? published : (rows[1]?.number ?? newest);
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <Button look="primary" size="sm" disabled={newest === published} onClick={() => setAsked({ verb: "publish", version: newest })}>
          <Rocket aria-hidden className="size-4" />
          {t("publish_newest")}
        </Button>
        <Button size="sm" disabled={rows.length < 2} onClick={() => setCompared({ from: String(before), to: "draft" })}>
          <GitCompareArrows aria-hidden className="size-4" />
          {t("compare")}
        </Button>
      </div>
      <ol className="flex flex-col divide-y divide-line border-y border-line">
        {rows.map((row) => (
          <Row
            key={row.number}
            row={row}
            isNewest={row.number === newest}
            isPublished={row.number === published}
            onAsk={setAsked}
            onCompare={(from) => setCompared({ from, to: "draft" })}
          />
        ))}
      </ol>
      {published !== null && (
        <Button size="sm" look="quiet" className="w-fit" onClick={() => setAsked({ verb: "withdraw", version: null })}>
          {t("withdraw")}
        </Button>
      )}
      {asked !== null && <Confirm asked={asked} flowId={flowId} onClose={() => setAsked(null)} />}
      {compared !== null && <CompareDialog flowId={flowId} first={compared} numbers={rows.map(({ number }) => number)} onClose={() => setCompared(null)} />}
    </>
  );
}

interface RowProps {
  row: VersionEntry;
  isNewest: boolean;
  isPublished: boolean;
  onAsk: (asked: Asked) => void;
  onCompare: (from: string) => void;
}

function Row({ row: { number, note, created_at }, isNewest, isPublished, onAsk, onCompare }: RowProps) {
  const t = useTranslations("inspector.versions");
  return (
    <li className="flex flex-col gap-1 py-2">
      <div className="flex flex-wrap items-center gap-2">
        <span className="font-medium">{t("number", { number: String(number) })}</span>
        {isPublished && <Badge tone="good">{t("published")}</Badge>}
        {isNewest && <Badge>{t("newest")}</Badge>}
        <When at={created_at} className="ml-auto text-xs text-soft" />
      </div>
      {note !== "" && <p className="text-sm break-words text-soft">{note}</p>}
      {!isNewest && (
        <div className="flex flex-wrap gap-1">
          <Button size="sm" look="quiet" onClick={() => onCompare(String(number))} aria-label={`${t("compare")}: ${t("number", { number: String(number) })}`}>
            {t("compare")}
          </Button>
          <Button size="sm" look="quiet" onClick={() => onAsk({ verb: "rollback", version: number })} aria-label={`${t("roll_back")}: ${number}`}>
            <History aria-hidden className="size-4" />
            {t("roll_back")}
          </Button>
          {!isPublished && (
            <Button size="sm" look="quiet" onClick={() => onAsk({ verb: "publish", version: number })} aria-label={`${t("publish")}: ${number}`}>
              {t("publish")}
            </Button>
          )}
        </div>
      )}
    </li>
  );
}

/** Says what will happen; what the server refuses is told here, and nothing is lost. */
function Confirm({ asked, flowId, onClose }: { asked: Asked; flowId: string; onClose: () => void }) {
  const t = useTranslations("inspector.versions");
  const tc = useTranslations("common.actions");
  const edit = useEditVersions((verb, version) => {
    const words = { id: flowId, number: String(version ?? "") };
    toast(verb === "publish" ? t("published_now", words) : verb === "withdraw" ? t("withdrawn", words) : t("rolled_back", words));
    onClose();
  });
  const title = asked.verb === "publish" ? t("publish") : asked.verb === "withdraw" ? t("withdraw") : t("roll_back");
  const number = String(asked.version ?? "");
  return (
    <Dialog
      open
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{tc("cancel")}</Button>
          <Button data-autofocus look="primary" busy={edit.isPending} onClick={() => edit.mutate(asked)}>
            {title}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        {asked.verb === "publish" && <p>{t("publish_body", { number, id: flowId })}</p>}
        {asked.verb === "rollback" && <p>{t("roll_back_body", { number })}</p>}
        {edit.error !== null && <Problem error={edit.error} />}
      </div>
    </Dialog>
  );
}
