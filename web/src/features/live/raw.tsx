"use client";

// The request and the answer of a call as they went over the wire, to look at and to copy.
import { Braces } from "lucide-react";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Turn } from "@/run/transcript";
import { useLane } from "@/shared/run/run";
import { CopyButton } from "@/shared/ui/copy";
import { Dialog } from "@/shared/ui/dialog";
import { IconButton } from "@/shared/ui/button";
import { Tab, Tabs } from "@/shared/ui/tabs";
import { useRunHere } from "./here";

type Part = "request" | "result" | "output";

export function RawButton({ title, lane, turn }: { title: string; lane: string | null; turn: Turn }) {
  const t = useTranslations("live.raw");
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <IconButton label={t("open", { title })} size="sm" onClick={() => setOpen(true)}>
        <Braces aria-hidden className="size-3.5" />
      </IconButton>
      <Dialog title={t("title", { title })} open={isOpen} onClose={() => setOpen(false)} place="wide">
        <Raw lane={lane} turn={turn} />
      </Dialog>
    </>
  );
}

function Raw({ lane: laneKey, turn }: { lane: string | null; turn: Turn }) {
  const t = useTranslations("live.raw");
  const lane = useLane(useRunHere(), laneKey ?? "");
  const parts: Record<Part, unknown> = { request: lane?.request, result: lane?.result, output: turn.output };
  const there = (Object.keys(parts) as Part[]).filter((name) => parts[name] !== null && parts[name] !== undefined);
  const [part, setPart] = useState<Part>(there[0] ?? "output");
  if (there.length === 0) return <p className="text-soft">{t("nothing")}</p>;
  const text = written(parts[part]) ?? t("too_deep");
  return (
    <Tabs label={t("parts")} value={part} onChange={setPart} tabs={there.map((value) => ({ value, label: t(value) }))}>
      <Tab value={part} className="relative mt-3">
        <div className="absolute top-1 right-1">
          <CopyButton text={text} label={t("copy")} />
        </div>
        <pre
          tabIndex={0}
          dir="ltr"
          className="max-h-[60dvh] overflow-auto rounded-md bg-sunken p-3 pt-10 font-mono text-xs whitespace-pre-wrap [overflow-wrap:anywhere] [unicode-bidi:plaintext]"
        >
          {text}
        </pre>
      </Tab>
    </Tabs>
  );
}

/** Null for what is nested more deeply than a page can write. */
function written(value: unknown): string | null {
  try {
    return JSON.stringify(value, null, 2);
  } catch {
    return null;
  }
}
