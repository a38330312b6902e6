"use client";

// A part of a page: a title, what can be done with it, and a fence so that its failure is its own.
import clsx from "clsx";
import { Component, useId, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { Button } from "./button";

interface PanelProps {
  title?: string;
  /** Beside the title. */
  actions?: ReactNode;
  className?: string;
  /** Around the content; `flush` leaves no room at its edges. */
  flush?: boolean;
  level?: 2 | 3;
  children: ReactNode;
}

export function Panel({ title, actions, className, flush = false, level = 2, children }: PanelProps) {
  const id = useId();
  const Heading = level === 2 ? "h2" : "h3";
  return (
    <section
      {...(title !== undefined && { "aria-labelledby": id })}
      className={clsx("flex min-w-0 flex-col rounded-lg border border-line bg-surface", className)}
    >
      {title !== undefined && (
        <div className="flex min-h-11 flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-1.5">
          <Heading id={id} className="text-base font-semibold">
            {title}
          </Heading>
          {actions !== undefined && <div className="flex flex-wrap items-center gap-1.5">{actions}</div>}
        </div>
      )}
      <div className={clsx("min-h-0 min-w-0 flex-1", !flush && "p-4")}>
        <Fence>{children}</Fence>
      </div>
    </section>
  );
}

interface FenceState {
  error: Error | null;
}

/** Shows in place of what broke that it broke, and tries again when asked. The rest of the page goes on. */
export class Fence extends Component<{ children: ReactNode }, FenceState> {
  override state: FenceState = { error: null };

  static getDerivedStateFromError(error: Error): FenceState {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <Broken error={this.state.error} again={() => this.setState({ error: null })} />;
  }
}

function Broken({ error, again }: { error: Error; again: () => void }) {
  const t = useTranslations("common");
  return (
    <div role="alert" className="flex flex-col items-start gap-2 text-base">
      <p>{t("problem.panel")}</p>
      <p className="font-mono text-xs text-soft">{error.message}</p>
      <Button size="sm" onClick={again}>
        {t("actions.retry")}
      </Button>
    </div>
  );
}
