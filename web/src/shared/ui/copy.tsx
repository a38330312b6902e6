"use client";

// A button that copies a text.
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { Button, IconButton } from "./button";
import { toast } from "./toast";

const SHOWN_MS = 1500;

interface CopyProps {
  text: string | (() => string);
  /** What is copied, for the button's name; without it the button says "Copy". */
  label?: string;
  size?: "sm" | "md";
  /** The picture alone. */
  small?: boolean;
}

export function CopyButton({ text, label, size = "sm", small = false }: CopyProps) {
  const t = useTranslations("common.actions");
  const put = useCopy();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    if (await put(typeof text === "string" ? text : text())) setCopied(true);
  };
  const Icon = copied ? Check : Copy;
  const words = copied ? t("copied") : (label ?? t("copy"));
  if (small)
    return (
      <IconButton label={words} size={size} onClick={copy}>
        <Icon aria-hidden className="size-4" />
      </IconButton>
    );
  return (
    <Button size={size} look="quiet" onClick={copy}>
      <Icon aria-hidden className="size-4" />
      <span aria-live="polite">{words}</span>
    </Button>
  );
}

/** Copies a text, and says at the edge of the page where the browser does not let it; whether it is done. */
export function useCopy(): (text: string) => Promise<boolean> {
  const t = useTranslations("common.actions");
  return async (text) => {
    try {
      await copyText(text);
      return true;
    } catch {
      toast(t("copy_failed"), "bad");
      return false;
    }
  };
}

/** Raises where the browser does not let it. Copies also where the page is not served over HTTPS or from this machine: there is no clipboard interface then. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr-only";
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  if (!isDone) throw new Error("The browser did not copy.");
}
