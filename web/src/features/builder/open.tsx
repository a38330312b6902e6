"use client";

// Opens the flow that the address names: reads its draft, takes up what was kept here, saves it while it is edited.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useDeferredValue, useEffect, useState, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { useSession } from "@/shared/api/queries";
import { When } from "@/shared/format/when";
import { Button, ButtonLink } from "@/shared/ui/button";
import { Empty } from "@/shared/ui/bits";
import { Problem } from "@/shared/ui/problem";
import { copyOf } from "./canvas/copy";
import { sameDocument, type FlowDoc } from "./document";
import { Opening } from "./opening";
import { BuilderProvider, makeBuilder, type Builder } from "./store";
import { createFlow, readFlow, type OpenedFlow } from "./store-api";
import { startAutosave } from "./store-autosave";
import { inBrowser, leftId, type LocalCopy } from "./store-local";

/** Gives its children the open flow. Another id opens another one anew. */
export function OpenFlow({ id, children }: { id: string; children: ReactNode }) {
  const opened = useQuery({
    queryKey: ["flows", id, "builder"],
    queryFn: ({ signal }) => readFlow(id, signal),
    // Once it is open the builder knows best; a newer one is told by the first save.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    enabled: id !== "",
  });
  // Drawn bit by bit, so that what is pressed meanwhile is not held up.
  const isThere = useDeferredValue(opened.data !== undefined);
  if (opened.isPending || (opened.data !== undefined && !isThere)) return <Opening />;
  // A flow that is open stays so with all that can be undone, though a later reading of it fails.
  if (opened.data === undefined) return <NotOpened error={opened.error} again={() => void opened.refetch()} />;
  if (opened.data.flow === null) return <Unreadable />;
  return (
    <Opened key={id} opened={opened.data} flow={opened.data.flow}>
      {children}
    </Opened>
  );
}

function NotOpened({ error, again }: { error: Error; again: () => void }) {
  const t = useTranslations("canvas.open");
  return (
    <div className="flex flex-col items-start gap-3 p-4">
      <h1 className="font-semibold">{t("not_opened")}</h1>
      <Problem error={error} again={again} />
      <ButtonLink href="/flows">{t("back")}</ButtonLink>
    </div>
  );
}

function Unreadable() {
  const t = useTranslations("canvas.open");
  return (
    <Empty title={t("unreadable")}>
      <ButtonLink href="/flows">{t("back")}</ButtonLink>
    </Empty>
  );
}

/** The builder of a flow, with the edits in it that were kept here and made on this very version. */
function begin(flow: FlowDoc, etag: string | null): { builder: Builder; left: LocalCopy | null } {
  const builder = makeBuilder({ flow, etag });
  if (etag === null) return { builder, left: null };
  const copy = inBrowser.read(flow.id);
  const isOurs = copy !== null && [copy.flow, ...(copy.sent ?? [])].some((one) => sameDocument(one, flow));
  const isOlder = copy !== null && copy.etag !== etag && !isOurs;
  // Out of the way of the edits that are made now, until the user has chosen.
  if (isOlder) inBrowser.write(leftId(flow.id), copy);
  else if (copy !== null) builder.getState().edit(() => copy.flow);
  return { builder, left: inBrowser.read(leftId(flow.id)) };
}

function Opened({ opened: { etag }, flow, children }: { opened: OpenedFlow; flow: FlowDoc; children: ReactNode }) {
  const [{ builder, left }] = useState(() => begin(flow, etag));
  const [isLeftShown, setLeftShown] = useState(left !== null);
  useSaving(builder);
  return (
    <BuilderProvider value={builder}>
      {left !== null && isLeftShown && <Left copy={left} onDone={() => setLeftShown(false)} />}
      {children}
    </BuilderProvider>
  );
}

function useSaving(builder: Builder): void {
  const client = useQueryClient();
  useEffect(() => {
    if (builder.getState().isReadOnly) return;
    const autosave = startAutosave(builder);
    const now = () => builder.getState().saving.phase === "offline" && builder.getState().saves({ is: "now" });
    const unsubscribe = useSession.subscribe((session, before) => session.reachable && !before.reachable && now());
    addEventListener("online", now);
    addEventListener("pagehide", autosave.leave);
    return () => {
      unsubscribe();
      removeEventListener("online", now);
      removeEventListener("pagehide", autosave.leave);
      void builder.getState().flush();
      autosave.stop();
      void client.invalidateQueries({ queryKey: ["flows"] });
    };
  }, [builder, client]);
}

/** Edits that were made on an older version and never arrived. */
function Left({ copy, onDone }: { copy: LocalCopy; onDone: () => void }) {
  const t = useTranslations("canvas");
  const client = useQueryClient();
  const router = useRouter();
  const [error, setError] = useState<unknown>(null);
  const keep = async () => {
    try {
      const made = await createFlow(await copyOf(client, copy.flow, (name) => t("open.copy_of", { name })));
      inBrowser.drop(leftId(copy.flow.id));
      router.push(`/flows/${made.id}`);
    } catch (failure) {
      setError(failure);
    }
  };
  const drop = () => {
    inBrowser.drop(leftId(copy.flow.id));
    onDone();
  };
  return (
    <div role="alert" className="flex flex-wrap items-center gap-2 border-b border-line bg-warn-soft px-4 py-2 text-sm">
      <p className="min-w-0 flex-1 basis-60">{t.rich("local.body", { when: () => <When at={copy.at} /> })}</p>
      {error !== null && <Problem error={error} />}
      <Button size="sm" onClick={() => void keep()}>
        {t("local.copy")}
      </Button>
      <Button size="sm" onClick={drop}>
        {t("local.drop")}
      </Button>
    </div>
  );
}
