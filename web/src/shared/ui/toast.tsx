"use client";

// Short messages at the edge of the page, which readers of the screen hear too.
import { X } from "lucide-react";
import { useEffect } from "react";
import { useTranslations } from "use-intl";
import { create } from "zustand";
import { IconButton } from "./button";

interface Toast {
  id: number;
  text: string;
  tone: "plain" | "bad";
}

const SHOWN_MS = { plain: 5_000, bad: 12_000 };

const useToasts = create<{ toasts: readonly Toast[] }>(() => ({ toasts: [] }));
let last = 0;

/** Say something that needs no answer. What needs one belongs beside its field. */
export function toast(text: string, tone: Toast["tone"] = "plain"): void {
  last += 1;
  const made = { id: last, text, tone };
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts.slice(-3), made] }));
}

function dismiss(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((one) => one.id !== id) }));
}

export function Toasts() {
  const toasts = useToasts((state) => state.toasts);
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-3 bottom-16 z-50 flex flex-col items-end gap-2 sm:bottom-4"
    >
      {toasts.map((one) => (
        <OneToast key={one.id} toast={one} />
      ))}
    </div>
  );
}

function OneToast({ toast: { id, text, tone } }: { toast: Toast }) {
  const t = useTranslations("common.actions");
  useEffect(() => {
    const timer = setTimeout(() => dismiss(id), SHOWN_MS[tone]);
    return () => clearTimeout(timer);
  }, [id, tone]);
  return (
    <div
      className={`pointer-events-auto flex max-w-md items-start gap-2 rounded-md border border-line py-1.5 pr-1.5 pl-3 shadow-lift ${tone === "bad" ? "bg-bad-soft" : "bg-surface"}`}
    >
      <p className="py-1">{text}</p>
      <IconButton label={t("close")} size="sm" onClick={() => dismiss(id)}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
