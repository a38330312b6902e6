"use client";

// One flow of the list: what it is called, where it is from, how it stands, and what can be done with it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import clsx from "clsx";
import { CircleAlert, CodeXml, Copy, Download, Ellipsis, Trash2 } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { api, API_URL, told } from "@/shared/api/client";
import { FlowDrawing } from "@/shared/flow/drawing";
import { inLanguage } from "@/shared/flow/text";
import { When } from "@/shared/format/when";
import { Badge } from "@/shared/ui/bits";
import { Button, IconButton } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Menu, MenuItem, MenuLine } from "@/shared/ui/menu";
import { Problem } from "@/shared/ui/problem";
import { toast } from "@/shared/ui/toast";
import { LateWorthBadge } from "@/shared/worth/late";
import { CodeDialog } from "../code/late";
import type { FlowEntry } from "../store-api";
import { DuplicateDialog } from "../transfer/transfer";

export function FlowRow({ flow }: { flow: FlowEntry }) {
  const language = useLocale();
  const name = inLanguage(flow.name, language) || flow.id;
  return (
    <li
      className={clsx(
        "relative grid grid-cols-[minmax(0,1fr)_auto_auto] items-center gap-x-3 px-4 py-2.5 hover:bg-sunken",
        "lg:grid-cols-[7rem_fit-content(50%)_minmax(0,1fr)_11.5rem_auto_auto]",
      )}
    >
      <span aria-hidden className="row-span-2 row-start-1 hidden h-9 items-center lg:flex">
        {flow.drawing && <FlowDrawing flow={flow.drawing} className="max-h-9 max-w-full" />}
      </span>
      <Link
        href={`/flows/${flow.id}`}
        prefetch={false}
        className="col-start-1 row-start-1 min-w-0 truncate font-medium after:absolute after:inset-0 lg:col-start-2"
      >
        {name}
      </Link>
      <div className="col-span-2 col-start-1 row-start-2 flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1 lg:col-span-1 lg:col-start-3 lg:row-start-1">
        <span className="truncate font-mono text-xs text-soft">{flow.id}</span>
        <Standing flow={flow} />
      </div>
      <p className="col-span-2 col-start-1 row-start-3 line-clamp-2 text-sm text-soft lg:col-start-2 lg:row-start-2 lg:line-clamp-1">
        {inLanguage(flow.description, language)}
      </p>
      {/* The badge comes late: it has a place of its own, so that nothing moves when it is there. */}
      <div className="col-start-2 row-start-1 flex min-h-6 items-center lg:col-start-4 lg:row-span-2">
        <LateWorthBadge flow={flow.id} />
      </div>
      {typeof flow.updated_at === "string" && (
        <When at={flow.updated_at} className="row-span-2 row-start-1 hidden text-xs text-soft lg:col-start-5 lg:block" />
      )}
      <div className="relative z-10 col-start-3 row-span-3 row-start-1 lg:col-start-6 lg:row-span-2">
        <Actions flow={flow} name={name} />
      </div>
    </li>
  );
}

function Standing({ flow: { origin, newest, published, problem_count } }: { flow: FlowEntry }) {
  const t = useTranslations("flows");
  const isStored = typeof newest === "number";
  return (
    <>
      {origin !== "stored" && <Badge>{t(`origin.${origin}`)}</Badge>}
      {typeof published === "number" && <Badge tone="good">{t("published", { version: published })}</Badge>}
      {isStored && newest !== published && <Badge tone="accent">{t("draft", { version: newest })}</Badge>}
      {(problem_count ?? 0) > 0 && (
        <Badge tone="bad">
          <CircleAlert aria-hidden className="size-3" />
          {t("problems", { count: problem_count ?? 0 })}
        </Badge>
      )}
    </>
  );
}

function Actions({ flow, name }: { flow: FlowEntry; name: string }) {
  const t = useTranslations("flows");
  const tc = useTranslations("inspector.code");
  const [open, setOpen] = useState<"code" | "duplicate" | "delete" | null>(null);
  const close = () => setOpen(null);
  const isStored = typeof flow.newest === "number";
  return (
    <>
      <Menu
        trigger={
          <IconButton label={t("actions", { name })} size="sm">
            <Ellipsis aria-hidden className="size-4" />
          </IconButton>
        }
      >
        <MenuItem icon={<CodeXml aria-hidden className="size-4" />} onSelect={() => setOpen("code")}>
          {tc("button")}
        </MenuItem>
        <MenuItem icon={<Copy aria-hidden className="size-4" />} onSelect={() => setOpen("duplicate")}>
          {t("duplicate")}
        </MenuItem>
        <MenuItem
          icon={<Download aria-hidden className="size-4" />}
          // eslint-disable-next-line @next/next/no-location-assign-relative-destination -- a file of the server's, no page of this app
          onSelect={() => location.assign(`${API_URL}/api/flows/${flow.id}/export${isStored ? "?version=draft" : ""}`)}
        >
          {t("export")}
        </MenuItem>
        {isStored && (
          <>
            <MenuLine />
            <MenuItem danger icon={<Trash2 aria-hidden className="size-4" />} onSelect={() => setOpen("delete")}>
              {t("delete")}
            </MenuItem>
          </>
        )}
      </Menu>
      {open === "code" && (
        <CodeDialog
          flowId={flow.id}
          inputs={flow.inputs ?? {}}
          isDraft={flow.origin === "stored" && typeof flow.published !== "number"}
          onClose={close}
        />
      )}
      {open === "duplicate" && <DuplicateDialog flowId={flow.id} version={isStored ? "draft" : null} onClose={close} />}
      {open === "delete" && <DeleteFlow flow={flow} name={name} onClose={close} />}
    </>
  );
}

function DeleteFlow({ flow, name, onClose }: { flow: FlowEntry; name: string; onClose: () => void }) {
  const t = useTranslations("flows");
  const actions = useTranslations("common.actions");
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () =>
      told(
        api.DELETE("/api/flows/{flow_id}", {
          params: { path: { flow_id: flow.id }, header: { "if-match": `"${flow.revision}"` } },
        }),
      ),
    onSuccess: () => {
      onClose();
      toast(t("deleted", { name }));
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["flows"] }),
  });
  return (
    <Dialog
      open
      title={t("delete_title", { name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{actions("cancel")}</Button>
          <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
            {actions("delete")}
          </Button>
        </>
      }
    >
      <p>{t(flow.origin === "stored" ? "delete_body" : "delete_beneath")}</p>
      {remove.error !== null && <Problem error={remove.error} />}
    </Dialog>
  );
}
