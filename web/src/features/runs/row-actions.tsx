"use client";

// What can be done with a run of the list. The menu is made when its button is pressed first.
import { Copy, Ellipsis, GitCompareArrows, GitFork, ListTree, RotateCcw, Square } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { RunRow } from "@/shared/api/endpoints";
import { canRetry, hasEnded, useRetry, useSteer } from "@/shared/run-actions/api";
import { ForkDialog } from "@/shared/run-actions/buttons";
import { IconButton } from "@/shared/ui/button";
import { useCopy } from "@/shared/ui/copy";
import { Menu, MenuItem, openedBy, type Opened } from "@/shared/ui/menu";
import { useSentence } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { comparePath } from "./paths";
import { short, useRowWords } from "./words";

const ICON = "size-4";

export function RowActions({ run }: { run: RunRow }) {
  const { t } = useRowWords();
  const [wanted, setWanted] = useState<Opened | null>(null);
  const label = t("more", { question: short(run.prompt) });
  return (
    <>
      {!hasEnded(run.status) && <Stop run={run} />}
      {wanted !== null ? (
        <RowMenu run={run} label={label} opened={wanted} />
      ) : (
        <IconButton size="sm" label={label} aria-haspopup="menu" aria-expanded={false} onClick={(event) => setWanted(openedBy(event))}>
          <Ellipsis aria-hidden className={ICON} />
        </IconButton>
      )}
    </>
  );
}

function Stop({ run: { run_id, status, prompt } }: { run: RunRow }) {
  const { t } = useRowWords();
  const sentence = useSentence();
  const steer = useSteer((error) => toast(sentence(error), "bad"));
  return (
    <IconButton
      size="sm"
      label={t("stop", { question: short(prompt) })}
      onClick={() => steer.mutate({ run_id, status, verb: "cancel" })}
    >
      <Square aria-hidden className="size-3.5 fill-current" />
    </IconButton>
  );
}

function RowMenu({ run, label, opened }: { run: RunRow; label: string; opened: Opened }) {
  const t = useTranslations();
  const router = useRouter();
  const sentence = useSentence();
  const copy = useCopy();
  const [isForking, setForking] = useState(false);
  const retry = useRetry(
    (begun) => router.push(`/runs/${begun.run_id}`),
    (error) => toast(sentence(error), "bad"),
  );
  const { run_id, parent_run_id: parent, status } = run;
  return (
    <>
      <Menu
        opened={opened}
        trigger={
          <IconButton size="sm" label={label}>
            <Ellipsis aria-hidden className={ICON} />
          </IconButton>
        }
      >
        {hasEnded(status) && (
          <MenuItem icon={<GitFork aria-hidden className={ICON} />} onSelect={() => setForking(true)}>
            {t("runs.fork_it")}
          </MenuItem>
        )}
        {canRetry(status) && (
          <MenuItem icon={<RotateCcw aria-hidden className={ICON} />} onSelect={() => retry.mutate(run_id)}>
            {t("run_actions.retry")}
          </MenuItem>
        )}
        {parent && (
          <MenuItem icon={<GitCompareArrows aria-hidden className={ICON} />} onSelect={() => router.push(comparePath(parent, run_id))}>
            {t("runs.open_parent")}
          </MenuItem>
        )}
        <MenuItem icon={<ListTree aria-hidden className={ICON} />} onSelect={() => router.push(`/runs?parent=${run_id}`)}>
          {t("runs.show_forks")}
        </MenuItem>
        <MenuItem icon={<Copy aria-hidden className={ICON} />} onSelect={() => void copy(run_id)}>
          {t("runs.copy_id")}
        </MenuItem>
      </Menu>
      {isForking && <ForkDialog runId={run_id} onClose={() => setForking(false)} onBegun={(id) => router.push(`/runs/${id}`)} />}
    </>
  );
}
