"use client";

// The flow builder: a palette, the canvas, the settings of what is selected.
import clsx from "clsx";
import { ArrowLeft, Play, Plus, Rocket, SlidersHorizontal, X } from "lucide-react";
import type { KeyboardEvent, ReactNode } from "react";
import { useLocale, useTranslations } from "use-intl";
import canvasWords from "@/messages/en/canvas";
import diffWords from "@/messages/en/diff";
import inspectorWords from "@/messages/en/inspector";
import markdownWords from "@/messages/en/markdown";
import runActions from "@/messages/en/run_actions";
import strategies from "@/messages/en/strategies";
import worthWords from "@/messages/en/worth";
import { inLanguage } from "@/shared/flow/text";
import { withWords } from "@/shared/i18n/screen-words";
import { usePathId } from "@/shared/shell/path-id";
import { Button, ButtonLink, IconButton } from "@/shared/ui/button";
import { Fence } from "@/shared/ui/panel";
import { LateWorthBadge } from "@/shared/worth/late";
import { add } from "./actions";
import { Canvas } from "./canvas/canvas";
import { SaveState, SaveTrouble } from "./canvas/save-state";
import { enterRun, enterVersions, INSPECTOR_ID, leaveInspector } from "./canvas/use-keys";
import { Inspector } from "./inspector/inspector";
import { OpenFlow } from "./open";
import { ROOM } from "./opening";
import { Palette } from "./palette/palette";
import { ReadOnly } from "./read-only";
import { flowNow, selectedNode, useBuilder, useBuilderStore } from "./store";
import { Watching } from "./watch/watching";

export const FlowBuilder = withWords(
  {
    canvas: canvasWords,
    diff: diffWords,
    inspector: inspectorWords,
    markdown: markdownWords,
    run_actions: runActions,
    strategies,
    worth: worthWords,
  },
  Screen,
);

function Screen() {
  const id = usePathId();
  return (
    <div className={ROOM}>
      <OpenFlow id={id ?? ""}>
        <Watching>
          <Head />
          <SaveTrouble />
          <ReadOnly />
          <Panes />
        </Watching>
      </OpenFlow>
    </div>
  );
}

function Head() {
  const t = useTranslations("canvas");
  const language = useLocale();
  const builder = useBuilderStore();
  const name = useBuilder((state) => inLanguage(flowNow(state).name, language) || state.flowId);
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const flowId = useBuilder((state) => state.flowId);
  return (
    <header className="flex h-12 shrink-0 items-center gap-2 border-b border-line bg-surface px-3">
      <ButtonLink href="/flows" look="quiet" size="sm" aria-label={t("open.back")} title={t("open.back")}>
        <ArrowLeft aria-hidden className="size-4" />
      </ButtonLink>
      <h1 className="min-w-0 truncate font-semibold">{name}</h1>
      <LateWorthBadge flow={flowId} />
      {!isReadOnly && <SaveState />}
      {!isReadOnly && (
        <Button
          size="sm"
          look="quiet"
          className="ml-auto"
          aria-label={t("head.publish")}
          title={t("head.publish_hint")}
          onClick={() => enterVersions(builder)}
        >
          <Rocket aria-hidden className="size-4" />
          <span className="max-sm:hidden">{t("head.publish")}</span>
        </Button>
      )}
      <Button size="sm" className={isReadOnly ? "ml-auto" : ""} title={t("head.run_hint")} onClick={() => enterRun(builder)}>
        <Play aria-hidden className="size-4" />
        {t("head.run")}
      </Button>
    </header>
  );
}

/** Three columns where there is room; else the canvas, and one of the others over it when it is asked for. */
function Panes() {
  const t = useTranslations("canvas");
  const builder = useBuilderStore();
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const open = useBuilder(({ pane }) => pane);
  const { setPane } = builder.getState();
  const close = () => setPane(null);
  const onEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented || (event.target instanceof Element && event.target.closest("dialog"))) return;
    close();
    leaveInspector(builder);
  };
  return (
    <div className="relative flex min-h-0 flex-1">
      {!isReadOnly && (
        <Side name={t("palette.title")} isOpen={open === "palette"} onClose={close} className="lg:w-56 lg:border-r">
          <PalettePane onChosen={close} />
        </Side>
      )}
      <div className="relative min-w-0 flex-1">
        <Fence>
          <Canvas />
        </Fence>
        <div className="absolute inset-x-0 bottom-3 flex justify-center gap-2 lg:hidden">
          {!isReadOnly && (
            <Button className="shadow-lift" onClick={() => setPane("palette")}>
              <Plus aria-hidden className="size-4" />
              {t("panes.palette")}
            </Button>
          )}
          <Button className="shadow-lift" onClick={() => setPane("inspector")}>
            <SlidersHorizontal aria-hidden className="size-4" />
            {t("panes.inspector")}
          </Button>
        </div>
      </div>
      <Side
        id={INSPECTOR_ID}
        name={t("panes.inspector")}
        isOpen={open === "inspector"}
        onClose={close}
        onKeyDown={onEscape}
        className="lg:w-88 lg:border-l"
      >
        <Inspector />
      </Side>
    </div>
  );
}

interface SideProps {
  id?: string;
  name: string;
  isOpen: boolean;
  onClose: () => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  className: string;
  children: ReactNode;
}

/** A column at the side; on small screens a sheet from below, which stays alive while it is closed. */
function Side({ id, name, isOpen, onClose, onKeyDown, className, children }: SideProps) {
  const t = useTranslations("canvas.panes");
  return (
    <div
      id={id}
      onKeyDown={onKeyDown}
      className={clsx(
        "min-h-0 flex-col border-line bg-surface lg:static lg:flex lg:h-auto lg:shrink-0 lg:rounded-none lg:border-t-0 lg:shadow-none",
        "absolute inset-x-0 bottom-0 z-20 h-3/4 rounded-t-lg border-t shadow-lift",
        isOpen ? "flex" : "hidden",
        className,
      )}
    >
      <div className="flex h-11 shrink-0 items-center justify-between border-b border-line pr-1.5 pl-4 lg:hidden">
        <p className="font-semibold">{name}</p>
        <IconButton label={t("close")} size="sm" onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
      <Fence>{children}</Fence>
    </div>
  );
}

function PalettePane({ onChosen }: { onChosen: () => void }) {
  const t = useTranslations("canvas.palette");
  const builder = useBuilderStore();
  const choose = (kind: string) => {
    onChosen();
    (document.activeElement as HTMLElement | null)?.blur();
    add(builder, { kind, after: selectedNode(builder.getState()) });
  };
  return (
    <section aria-label={t("title")} className="flex min-h-0 flex-1 flex-col">
      <Palette onChoose={choose} />
      <p className="shrink-0 border-t border-line px-3 py-2 text-xs text-soft">{t("hint")}</p>
    </section>
  );
}

