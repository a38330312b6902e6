"use client";

// A dialog before the page: the browser's own, which keeps the focus inside and closes on Escape.
import clsx from "clsx";
import { X } from "lucide-react";
import { useId, useLayoutEffect, useRef, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { IconButton } from "./button";

const PLACES = {
  middle: "m-auto w-full max-w-[min(36rem,calc(100vw-1.5rem))] rounded-lg",
  wide: "m-auto w-full max-w-[min(64rem,calc(100vw-1.5rem))] rounded-lg",
  top: "mx-auto mt-[12vh] w-full max-w-[min(40rem,calc(100vw-1.5rem))] rounded-lg",
  side: "ml-auto mr-0 my-0 h-dvh max-h-dvh w-full max-w-md rounded-l-lg",
  bottom: "mx-0 mt-auto mb-0 w-full max-w-full rounded-t-lg",
};

/** The second press of a double click belongs to the button that opened the dialog, not to what lies around it. */
const DOUBLE_CLICK_MS = 500;

interface DialogProps {
  title: string;
  open: boolean;
  onClose: () => void;
  place?: keyof typeof PLACES;
  /** For dialogs that say in themselves what they are. */
  hideTitle?: boolean;
  footer?: ReactNode;
  children: ReactNode;
}

/** What is inside is made when it opens and let go when it closes. Give `data-autofocus` to what is used first. */
export function Dialog({ open, ...more }: DialogProps) {
  return open ? <OpenDialog {...more} /> : null;
}

function OpenDialog({ title, onClose, place = "middle", hideTitle = false, footer, children }: Omit<DialogProps, "open">) {
  const dialog = useRef<HTMLDialogElement>(null);
  const openedAt = useRef(0);
  const t = useTranslations("common.actions");
  const titleId = useId();
  // Closed while it is still in the page: only then the browser gives the focus back to where it was.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    openedAt.current = performance.now();
    // The browser would take the button that closes. What is typed into comes first where the dialog says so.
    element?.querySelector<HTMLElement>("[data-autofocus]")?.focus();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        if (event.target !== event.currentTarget) return;
        // Nor does it take the focus from what is used first.
        if (event.detail > 1 || event.timeStamp - openedAt.current < DOUBLE_CLICK_MS) event.preventDefault();
        else onClose();
      }}
      className={clsx("border border-line bg-surface p-0 text-ink shadow-lift", PLACES[place])}
    >
      <div className={clsx("flex min-h-0 flex-col", place === "side" ? "h-full" : "max-h-[85dvh]")}>
        <div className={hideTitle ? "sr-only" : "flex items-center justify-between gap-3 border-b border-line py-2 pr-2 pl-4"}>
          <h2 id={titleId} className="min-w-0 truncate text-lg font-semibold">
            {title}
          </h2>
          <IconButton label={t("close")} onClick={onClose} tabIndex={hideTitle ? -1 : 0}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </div>
        <div className={clsx("min-h-0 overflow-y-auto", !hideTitle && "p-4")}>{children}</div>
        {footer !== undefined && (
          <div className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">{footer}</div>
        )}
      </div>
    </dialog>
  );
}
