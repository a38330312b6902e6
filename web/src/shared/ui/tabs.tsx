"use client";

// Several views at one place, one at a time. Drawn here and not by a library: that one writes style attributes into the
// exported page, which its policy forbids.
import { createContext, useContext, useId, useRef, type KeyboardEvent, type ReactNode } from "react";

interface TabsProps<T extends string> {
  label: string;
  value: T;
  onChange: (value: T) => void;
  tabs: readonly { value: T; label: ReactNode }[];
  children: ReactNode;
  className?: string;
}

const Chosen = createContext({ id: "", value: "" });
const MOVES: Record<string, (at: number, count: number) => number> = {
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowLeft: (at, count) => (at - 1 + count) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

/** Arrow keys, Home and End go from tab to tab; the content of the chosen one is the next stop of the Tab key. */
export function Tabs<T extends string>({ label, value, onChange, tabs, children, className }: TabsProps<T>) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.value === value);
    const next = tabs[MOVES[event.key]?.(at, tabs.length) ?? -1];
    if (next === undefined) return;
    event.preventDefault();
    onChange(next.value);
    list.current?.querySelector<HTMLElement>(`#${CSS.escape(tabId(id, next.value))}`)?.focus();
  };
  return (
    <div className={className}>
      <div
        ref={list}
        role="tablist"
        aria-label={label}
        onKeyDown={move}
        className="flex gap-1 overflow-x-auto overflow-y-hidden border-b border-line"
      >
        {tabs.map((tab) => (
          <button
            key={tab.value}
            type="button"
            role="tab"
            id={tabId(id, tab.value)}
            aria-selected={tab.value === value}
            aria-controls={tab.value === value ? panelId(id, tab.value) : undefined}
            tabIndex={tab.value === value ? 0 : -1}
            onClick={() => onChange(tab.value)}
            className="border-b-2 border-transparent px-3 py-2 text-base whitespace-nowrap text-soft -outline-offset-2 hover:text-ink aria-selected:border-accent aria-selected:font-medium aria-selected:text-ink"
          >
            {tab.label}
          </button>
        ))}
      </div>
      <Chosen value={{ id, value }}>{children}</Chosen>
    </div>
  );
}

/** What is shown while its tab is chosen; it is made anew each time. */
export function Tab({ value, children, className }: { value: string; children: ReactNode; className?: string }) {
  const chosen = useContext(Chosen);
  if (chosen.value !== value) return null;
  return (
    <div role="tabpanel" id={panelId(chosen.id, value)} aria-labelledby={tabId(chosen.id, value)} tabIndex={0} className={className}>
      {children}
    </div>
  );
}

function tabId(id: string, value: string): string {
  return `${id}-tab-${value}`;
}

function panelId(id: string, value: string): string {
  return `${id}-panel-${value}`;
}
