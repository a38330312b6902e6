"use client";

// Parts of the app that are fetched when they are wanted first. One that cannot be fetched says so in its own place, and is
// fetched once more when asked; what stands around it stays.
import { RotateCw } from "lucide-react";
import dynamic from "next/dynamic";
import { useEffect, useSyncExternalStore, type ComponentType, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { IconButton } from "./button";
import { Dialog } from "./dialog";
import { Problem, useSentence } from "./problem";
import { toast } from "./toast";

export interface Missing {
  error: unknown;
  /** Fetches it again, wherever it is wanted. */
  again: () => void;
}

interface Meanwhile<P> {
  /** Until it is there. */
  waiting?: () => ReactNode;
  /** Where it could not be fetched: in words and with a button, unless there is no room for them. */
  missing?: ComponentType<P & Missing>;
}

/** The part that `load` fetches. It is drawn in a browser alone. */
export function late<P extends object>(load: () => Promise<ComponentType<P>>, { waiting, missing = Problem }: Meanwhile<P> = {}): ComponentType<P> {
  const drawn = new Set<() => void>();
  const fetched = () => dynamic<P>(() => load().catch(said), { ssr: false, loading: waiting ?? Nothing });
  const again = () => {
    piece = fetched();
    for (const redraw of drawn) redraw();
  };
  const said = (error: unknown) => {
    const Told = missing as ComponentType<Missing>;
    return function NotThere(props: P) {
      return <Told {...props} error={error} again={again} />;
    };
  };
  let piece = fetched();
  const watch = (redraw: () => void) => {
    drawn.add(redraw);
    return () => void drawn.delete(redraw);
  };
  const now = () => piece;
  return function Late(props: P) {
    const Piece = useSyncExternalStore(watch, now, now);
    return <Piece {...props} />;
  };
}

function Nothing() {
  return null;
}

/** In the place of a dialog: what could not be fetched is told in one. */
export function MissingDialog({ onClose, ...told }: Missing & { onClose: () => void }) {
  const t = useTranslations("common.problem");
  return (
    <Dialog open title={t("title")} onClose={onClose}>
      <Problem {...told} />
    </Dialog>
  );
}

const told = new WeakSet<object>();

/** Where a sentence has no room: a button whose name it is. At the edge of the page it is said once, however many there are. */
export function MissingMark({ error, again }: Missing) {
  const sentence = useSentence();
  const t = useTranslations("common.actions");
  useEffect(() => {
    if (typeof error !== "object" || error === null || told.has(error)) return;
    told.add(error);
    toast(sentence(error), "bad");
  }, [error, sentence]);
  return (
    <IconButton size="sm" label={`${sentence(error)} ${t("retry")}`} className="relative z-10" onClick={again}>
      <RotateCw aria-hidden className="size-3.5" />
    </IconButton>
  );
}
