"use client";

// A part that is folded away until somebody wants it, or until something in it must be seen.
import { useState, type ReactNode } from "react";

interface FoldProps {
  /** Something in it must be seen. That it no longer must does not fold it up again: somebody may be typing in it. */
  mustShow: boolean;
  className?: string;
  /** What is made when it is first unfolded, where that is much. */
  late?: ReactNode;
  /** A <summary>, and what is folded away. */
  children: ReactNode;
}

export function Fold({ mustShow, className, late, children }: FoldProps) {
  const [isOpen, setOpen] = useState(mustShow);
  const [wasOpen, setWasOpen] = useState(false);
  if ((isOpen || mustShow) && !wasOpen) setWasOpen(true);
  return (
    <details open={isOpen || mustShow} className={className} onToggle={(event) => setOpen(event.currentTarget.open)}>
      {children}
      {wasOpen && late}
    </details>
  );
}
