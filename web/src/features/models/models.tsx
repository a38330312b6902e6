"use client";

// The models: what is in memory, what may be asked, who serves it, and why one is chosen.
import { useState } from "react";
import { useTranslations } from "use-intl";
import modelsWords from "@/messages/en/models";
import strategies from "@/messages/en/strategies";
import { withWords } from "@/shared/i18n/screen-words";
import { ScreenHead } from "@/shared/ui/bits";
import { Tab, Tabs } from "@/shared/ui/tabs";
import { BLANK } from "./asked";
import { ModelDetail } from "./detail";
import { MemoryPanel } from "./memory-panel";
import { Providers } from "./providers";
import { EVERYTHING } from "./registry";
import { Registry } from "./registry-table";
import { useWhy, Why } from "./why";

type View = "registry" | "providers" | "why";

export const Models = withWords({ models: modelsWords, strategies }, Screen);

function Screen() {
  const t = useTranslations("models");
  const [view, setView] = useState<View>("registry");
  const [opened, setOpened] = useState<string | null>(null);
  // What is typed in a view stays while another one is looked at.
  const [filter, setFilter] = useState(EVERYTHING);
  const [asked, setAsked] = useState(BLANK);
  const why = useWhy();
  return (
    <>
      <ScreenHead title={t("title")} about={t("about")} />
      <div className="flex flex-col gap-5">
        <MemoryPanel onOpen={setOpened} />
        <Tabs<View>
          label={t("views")}
          value={view}
          onChange={setView}
          tabs={[
            { value: "registry", label: t("registry.title") },
            { value: "providers", label: t("providers.title") },
            { value: "why", label: t("why.title") },
          ]}
        >
          <Tab value="registry" className="pt-4">
            <Registry filter={filter} onFilter={setFilter} onOpen={setOpened} />
          </Tab>
          <Tab value="providers" className="pt-4">
            <Providers onOpen={setOpened} />
          </Tab>
          <Tab value="why" className="pt-4">
            <Why why={why} asked={asked} onChange={setAsked} onOpen={setOpened} />
          </Tab>
        </Tabs>
      </div>
      {opened !== null && <ModelDetail modelKey={opened} onOpen={setOpened} onClose={() => setOpened(null)} />}
    </>
  );
}
