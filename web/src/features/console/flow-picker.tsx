"use client";

// Chooses the flow: a card with a small drawing for each, found by name.
import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { useDeferredValue, useId, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { flowsQuery } from "@/shared/api/endpoints";
import type { components } from "@/shared/api/schema";
import { FlowDrawing } from "@/shared/flow/drawing";
import { inLanguage } from "@/shared/flow/text";
import { Button, ButtonLink } from "@/shared/ui/button";
import { Skeleton } from "@/shared/ui/bits";
import { TextArea, TextField } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";
import { LateWorthBadge } from "@/shared/worth/late";
import { useDraft } from "./draft";

type Flow = components["schemas"]["FlowEntry"];
const SHOWN = 9;
const SEARCHED_FROM = 10;

export function FlowPicker() {
  const t = useTranslations("console");
  const flows = useQuery(flowsQuery);
  // The cards are drawn bit by bit, so that what is typed meanwhile is not held up.
  const there = useDeferredValue(flows.data?.flows);
  return (
    <Panel
      title={t("flow")}
      actions={
        <ButtonLink href="/flows" look="quiet" size="sm">
          {t("all_flows")}
        </ButtonLink>
      }
    >
      {there !== undefined && <Cards flows={there} />}
      {there === undefined && flows.error === null && <CardSkeletons />}
      {flows.error !== null && flows.data === undefined && <Problem error={flows.error} again={() => void flows.refetch()} />}
    </Panel>
  );
}

const GRID = "grid grid-cols-[repeat(auto-fill,minmax(min(13rem,100%),1fr))] gap-2";

function CardSkeletons() {
  return (
    <div className={GRID}>
      {Array.from({ length: 7 }, (_, index) => (
        <Skeleton key={index} className="h-24" />
      ))}
    </div>
  );
}

function Cards({ flows }: { flows: readonly Flow[] }) {
  const t = useTranslations("console");
  const locale = useLocale();
  const chosen = useDraft((draft) => draft.flow);
  const [wanted, setWanted] = useState("");
  const [all, setAll] = useState(false);
  const found = flows.filter((flow) => matches(flow, wanted, locale));
  const shown = all || wanted ? found : firstFew(found, chosen);
  const flow = flows.find(({ id }) => id === chosen);
  return (
    <div className="flex flex-col gap-3">
      {flows.length >= SEARCHED_FROM && (
        <TextField label={t("flow_search")} hideLabel placeholder={t("flow_search")} value={wanted} onChange={(event) => setWanted(event.target.value)} />
      )}
      <fieldset>
        <legend className="sr-only">{t("flow")}</legend>
        <div className={GRID}>
          {shown.map((one) => (
            <Card key={one.id} flow={one} />
          ))}
        </div>
      </fieldset>
      {found.length === 0 && <p className="text-soft">{t("no_flow")}</p>}
      {shown.length < found.length && (
        <Button size="sm" look="quiet" className="self-start" onClick={() => setAll(true)}>
          {t("flows_more", { count: found.length - shown.length })}
        </Button>
      )}
      {flow !== undefined && <Inputs flow={flow} />}
    </div>
  );
}

function matches({ id, name }: Flow, wanted: string, locale: string): boolean {
  return `${id} ${inLanguage(name, locale)}`.toLowerCase().includes(wanted.trim().toLowerCase());
}

/** The chosen one is always in sight. */
function firstFew(flows: readonly Flow[], chosen: string): readonly Flow[] {
  const few = flows.slice(0, SHOWN);
  const one = flows.find(({ id }) => id === chosen);
  return one === undefined || few.includes(one) ? few : [one, ...few.slice(0, -1)];
}

function Card({ flow }: { flow: Flow }) {
  const t = useTranslations("console");
  const locale = useLocale();
  const { flow: chosen, change } = useDraft();
  const id = useId();
  const name = inLanguage(flow.name, locale) || flow.id;
  return (
    <label
      className={clsx(
        "group/card relative flex cursor-pointer flex-col gap-1 rounded-md border border-line p-2.5 hover:border-line-strong",
        "has-checked:border-accent has-checked:bg-accent-soft has-focus-visible:outline-2 has-focus-visible:outline-accent",
      )}
    >
      <input
        type="radio"
        name="flow"
        value={flow.id}
        checked={flow.id === chosen}
        aria-labelledby={`${id}-name`}
        aria-describedby={`${id} ${id}-worth`}
        onChange={() => change({ flow: flow.id })}
        className="sr-only"
      />
      <span className="flex h-11 items-center justify-between gap-2">
        {flow.drawing && (
          <FlowDrawing
            flow={flow.drawing}
            label={t("drawing", { name, count: flow.drawing.nodes.length })}
            className="max-h-11 max-w-full min-w-0"
          />
        )}
        <LateWorthBadge flow={flow.id} plainId={`${id}-worth`} />
      </span>
      <span id={`${id}-name`} className="font-medium">
        {name}
      </span>
      <span id={id} className="line-clamp-2 text-xs text-soft">
        {inLanguage(flow.description, locale)}
      </span>
    </label>
  );
}

/** What the flow takes beside the question. */
function Inputs({ flow }: { flow: Flow }) {
  const locale = useLocale();
  const { inputs, change } = useDraft();
  const others = Object.entries(flow.inputs).filter(([name]) => name !== "user_input");
  if (others.length === 0) return null;
  return (
    <div className="grid gap-3 border-t border-line pt-3 md:grid-cols-2">
      {others.map(([name, input]) => (
        <TextArea
          key={name}
          label={name}
          rows={2}
          hint={inLanguage(input.description, locale)}
          placeholder={input.default ?? ""}
          required={input.default === null}
          value={inputs[name] ?? ""}
          onChange={(event) => change({ inputs: { ...inputs, [name]: event.target.value } })}
        />
      ))}
    </div>
  );
}
