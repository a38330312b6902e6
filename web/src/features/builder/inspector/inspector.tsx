"use client";

// The side of the builder that says what is selected: a node, an edge, or the flow itself.
import { useLayoutEffect, useRef, useState, type ReactNode, type RefObject } from "react";
import { useLocale, useTranslations } from "use-intl";
import { Fence } from "@/shared/ui/panel";
import { Skeleton } from "@/shared/ui/bits";
import { late } from "@/shared/ui/late";
import { Tab, Tabs } from "@/shared/ui/tabs";
import { inLanguage } from "@/shared/flow/text";
import { focusCanvas } from "../canvas/use-keys";
import { EdgeSettings } from "../conditions/edge-settings";
import { edgeOf, nodeOf } from "../document";
import { FlowSettings } from "../limits/flow-settings";
import { Tests } from "../limits/tests";
import { useChecks } from "../problems/checks";
import { ProblemList } from "../problems/problem-list";
import { FLOW_TABS, flowNow, selectedCount, selectedEdge, selectedNode, selectedNote, useBuilder, useBuilderStore, type NodeTab } from "../store";
import { Trial } from "../trial/trial";
import { Versions } from "../versions/versions";
import { Watch } from "../watch/watch";
import { Watching } from "../watch/watching";
import { WatchedNode } from "../watch/watched-node";
import { KindLine, NodeSettings } from "./node-settings";

const NoteSettings = late(() => import("./note-settings").then((module) => module.NoteSettings), {
  waiting: () => <Skeleton className="h-64 w-full" />,
});

/** Fills the room that it is given, and scrolls inside. It has the flow checked as well: one on a screen. */
export function Inspector() {
  const t = useTranslations("inspector");
  const checking = useChecks();
  const scrolled = useRef<HTMLDivElement>(null);
  useTop(scrolled);
  return (
    <aside aria-label={t("label")} className="flex h-full min-h-0 min-w-0 flex-col bg-surface">
      <div ref={scrolled} className="min-h-0 flex-1 overflow-y-auto">
        <Fence>
          <Watching>
            <Selected />
          </Watching>
        </Fence>
      </div>
      <ProblemList checking={checking} />
    </aside>
  );
}

/** What is selected now is read from its beginning, however far down one was in what was selected before. */
function useTop(scrolled: RefObject<HTMLElement | null>): void {
  const subject = useBuilder((state) => selectedNode(state) ?? selectedEdge(state) ?? selectedNote(state));
  useLayoutEffect(() => {
    scrolled.current?.scrollTo(0, 0);
    // The button that deleted what was selected is gone: a keyboard goes on where the rest of the flow is.
    if (subject === null && document.activeElement === document.body) focusCanvas();
  }, [scrolled, subject]);
}

function Selected() {
  const node = useBuilder(selectedNode);
  const edge = useBuilder(selectedEdge);
  const note = useBuilder(selectedNote);
  const several = useBuilder(selectedCount);
  if (node !== null) return <NodePart key={node} id={node} />;
  if (edge !== null) return <EdgePart key={edge} id={edge} />;
  if (note !== null) return <NotePart key={note} id={note} />;
  return several > 1 ? <SeveralPart count={several} /> : <FlowPart />;
}

function Head({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <header className="px-4 pt-3 pb-2">
      <h2 className="truncate text-lg font-semibold">{title}</h2>
      {children}
    </header>
  );
}

function NodePart({ id }: { id: string }) {
  const t = useTranslations("inspector.tabs");
  const language = useLocale();
  const node = useBuilder((state) => nodeOf(flowNow(state), id));
  const isWatched = useBuilder(({ watched }) => watched.size > 0);
  const wish = useBuilder(({ nodeTab }) => (nodeTab?.node === id ? nodeTab : null));
  const [granted, setGranted] = useState(wish);
  const [tab, setTab] = useState<NodeTab>(wish?.tab ?? (isWatched ? "run" : "settings"));
  if (wish !== granted) {
    setGranted(wish);
    if (wish !== null) setTab(wish.tab);
  }
  if (node === undefined) return null;
  const tabs = [
    { value: "settings" as const, label: t("settings") },
    { value: "trial" as const, label: t("trial") },
    ...(isWatched ? [{ value: "run" as const, label: t("run") }] : []),
  ];
  return (
    <>
      <Head title={inLanguage(node.label, language) || id}>
        <KindLine kind={node.kind} />
      </Head>
      <Tabs label={id} value={tab === "run" && !isWatched ? "settings" : tab} onChange={setTab} tabs={tabs} className="px-4 pb-4">
        <Tab value="settings" className="pt-4">
          <NodeSettings id={id} />
        </Tab>
        <Tab value="trial" className="pt-4">
          <Trial id={id} />
        </Tab>
        <Tab value="run" className="pt-4">
          <WatchedNode id={id} />
        </Tab>
      </Tabs>
    </>
  );
}

function EdgePart({ id }: { id: string }) {
  const t = useTranslations("inspector.edge");
  const edge = useBuilder((state) => edgeOf(flowNow(state), id));
  if (edge === undefined) return null;
  return (
    <>
      <Head title={t("title", { from: edge.from, to: edge.to })} />
      <div className="px-4 pb-4">
        <EdgeSettings id={id} />
      </div>
    </>
  );
}

function NotePart({ id }: { id: string }) {
  const t = useTranslations("canvas.note");
  return (
    <>
      <Head title={t("title")} />
      <div className="px-4 pb-4">
        <NoteSettings id={id} />
      </div>
    </>
  );
}

function SeveralPart({ count }: { count: number }) {
  const t = useTranslations("inspector.node");
  return (
    <Head title={t("several", { count })}>
      <p className="text-sm text-soft">{t("several_help")}</p>
    </Head>
  );
}

function FlowPart() {
  const t = useTranslations("inspector.tabs");
  const language = useLocale();
  const name = useBuilder((state) => flowNow(state).name);
  const tab = useBuilder(({ flowTab }) => flowTab);
  const { setFlowTab } = useBuilderStore().getState();
  const tabs = FLOW_TABS.map((value) => ({ value, label: t(value) }));
  return (
    <>
      <Head title={inLanguage(name, language)} />
      <Tabs label={t("flow")} value={tab} onChange={setFlowTab} tabs={tabs} className="px-4 pb-4">
        <Tab value="settings" className="pt-4">
          <FlowSettings />
        </Tab>
        <Tab value="run" className="pt-4">
          <Watch />
        </Tab>
        <Tab value="tests" className="pt-4">
          <Tests />
        </Tab>
        <Tab value="versions" className="pt-4">
          <Versions />
        </Tab>
      </Tabs>
    </>
  );
}
