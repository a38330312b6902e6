"use client";

// The command palette: every page, flow and late run by its name, and the looks.
import { useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { useTheme } from "next-themes";
import { useRouter } from "next/navigation";
import { useLayoutEffect, useRef, type ReactNode } from "react";
import { useLocale, useTranslations } from "use-intl";
import { flowsQuery, latestRunsQuery } from "@/shared/api/endpoints";
import { inLanguage } from "@/shared/flow/text";
import { LANGUAGES, useLanguage } from "@/shared/i18n/language";
import { Dialog } from "@/shared/ui/dialog";
import { SCREENS } from "./nav";
import { FIELD, setWords, useSearch } from "./search";

const RUNS = 20;
const ITEM = "flex cursor-default items-center gap-2 rounded-sm px-2 py-1.5 data-[selected=true]:bg-sunken";

export function Palette({ onClose }: { onClose: () => void }) {
  const t = useTranslations("common");
  const words = useSearch((state) => state.words);
  const field = useRef<HTMLInputElement>(null);
  // Some of them may have been typed before this was here: the next ones come behind them.
  useLayoutEffect(() => field.current?.setSelectionRange(-1, -1), []);
  return (
    <Dialog open title={t("palette.title")} hideTitle place="top" onClose={onClose}>
      <Command label={t("palette.title")} loop>
        <Command.Input
          ref={field}
          data-autofocus
          value={words}
          onValueChange={setWords}
          placeholder={t("palette.hint")}
          className={FIELD}
        />
        <Command.List className="max-h-[50dvh] overflow-y-auto p-2">
          <Command.Empty className="px-2 py-6 text-center text-soft">{t("palette.empty")}</Command.Empty>
          <Pages onClose={onClose} />
          <FlowsAndRuns onClose={onClose} />
          <Looks onClose={onClose} />
        </Command.List>
      </Command>
    </Dialog>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={title}
      className="mb-2 [&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-soft"
    >
      {children}
    </Command.Group>
  );
}

function useGo(onClose: () => void): (path: string) => void {
  const router = useRouter();
  return (path) => {
    onClose();
    router.push(path);
  };
}

function Pages({ onClose }: { onClose: () => void }) {
  const t = useTranslations("common");
  const go = useGo(onClose);
  return (
    <Group title={t("palette.pages")}>
      {SCREENS.map(({ name, path, Icon }) => (
        <Command.Item key={name} value={t(`nav.${name}`)} className={ITEM} onSelect={() => go(path)}>
          <Icon aria-hidden className="size-4 text-soft" />
          {t(`nav.${name}`)}
        </Command.Item>
      ))}
    </Group>
  );
}

function FlowsAndRuns({ onClose }: { onClose: () => void }) {
  const t = useTranslations("common.palette");
  const locale = useLocale();
  const go = useGo(onClose);
  const flows = useQuery(flowsQuery);
  const runs = useQuery(latestRunsQuery(RUNS));
  return (
    <>
      <Group title={t("flows")}>
        {flows.data?.flows.map(({ id, name }) => (
          <Command.Item key={id} value={`${id} ${inLanguage(name, locale)}`} className={ITEM} onSelect={() => go(`/flows/${id}`)}>
            {t("edit_flow", { name: inLanguage(name, locale) || id })}
          </Command.Item>
        ))}
      </Group>
      <Group title={t("runs")}>
        {runs.data?.runs.map(({ run_id, prompt, flow_id }) => (
          <Command.Item key={run_id} value={`${prompt} ${run_id}`} className={ITEM} onSelect={() => go(`/runs/${run_id}`)}>
            <span className="min-w-0 truncate">{prompt}</span>
            <span className="ml-auto shrink-0 text-xs text-soft">{flow_id}</span>
          </Command.Item>
        ))}
      </Group>
    </>
  );
}

function Looks({ onClose }: { onClose: () => void }) {
  const t = useTranslations("common");
  const { setTheme } = useTheme();
  const choose = useLanguage((state) => state.choose);
  const act = (what: () => void) => () => {
    what();
    onClose();
  };
  return (
    <Group title={t("palette.looks")}>
      {(["system", "light", "dark"] as const).map((theme) => (
        <Command.Item key={theme} value={`${t("theme.label")} ${t(`theme.${theme}`)}`} className={ITEM} onSelect={act(() => setTheme(theme))}>
          {t("theme.label")}: {t(`theme.${theme}`)}
        </Command.Item>
      ))}
      {LANGUAGES.map((language) => (
        <Command.Item key={language} value={`${t("language.label")} ${t(`language.${language}`)}`} className={ITEM} onSelect={act(() => choose(language))}>
          {t("language.label")}: {t(`language.${language}`)}
        </Command.Item>
      ))}
    </Group>
  );
}
