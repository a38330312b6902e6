// What the list of runs shows: the filter as the address has it, as the fields hold it, and as the server is asked.
import type { RunRow } from "@/shared/api/endpoints";
import type { paths } from "@/shared/api/schema";

export type Query = NonNullable<paths["/api/runs"]["get"]["parameters"]["query"]>;
export type Status = RunRow["status"];

/** Texts, as they are typed; "": everything passes. Dates are days of this machine's calendar: 2026-11-21. */
export interface Filter {
  q: string;
  flow: string;
  status: string;
  model: string;
  cost_from: string;
  cost_to: string;
  since: string;
  until: string;
  parent: string;
  /** "true": runs of one node alone; "false": those of whole flows. */
  trial: string;
}

export const FIELDS = ["q", "flow", "status", "model", "cost_from", "cost_to", "since", "until", "parent", "trial"] as const;
/** Those that stand behind a button. */
export const FURTHER = ["cost_from", "cost_to", "since", "until", "trial"] as const;
export const EVERYTHING: Filter = Object.freeze({
  q: "",
  flow: "",
  status: "",
  model: "",
  cost_from: "",
  cost_to: "",
  since: "",
  until: "",
  parent: "",
  trial: "",
});
export const STATUSES = ["queued", "running", "waiting", "paused", "completed", "declined", "failed", "cancelled", "limit_exceeded"] as const;

const LONGEST: Partial<Record<keyof Filter, number>> = { q: 200, parent: 100 };
const DAY_MS = 86_400_000;

/** The filter of an address. What it does not know, or cannot be, is left out. */
export function filterOf(search: URLSearchParams): Filter {
  const filter = { ...EVERYTHING };
  for (const name of FIELDS) filter[name] = (search.get(name) ?? "").slice(0, LONGEST[name] ?? 64);
  if (!STATUSES.some((status) => status === filter.status)) filter.status = "";
  if (!["", "true", "false"].includes(filter.trial)) filter.trial = "";
  return filter;
}

/** The address of a filter: `?flow=challenge`, or "" where everything is shown. */
export function searchOf(filter: Filter): string {
  const said = new URLSearchParams();
  for (const name of FIELDS) if (filter[name] !== "") said.set(name, filter[name]);
  const text = said.toString();
  return text === "" ? "" : `?${text}`;
}

/** The fields that cannot be meant. */
export function wrongFields(filter: Filter): (keyof Filter)[] {
  const wrong: (keyof Filter)[] = [];
  for (const name of ["cost_from", "cost_to"] as const) if (usd(filter[name]) === null) wrong.push(name);
  for (const name of ["since", "until"] as const) if (filter[name] !== "" && midnight(filter[name]) === null) wrong.push(name);
  return wrong;
}

/** The upper ends that lie below the lower ones: nothing can be between them. */
export function crossedFields(filter: Filter): ("cost_to" | "until")[] {
  const [from, to] = [usd(filter.cost_from), usd(filter.cost_to)];
  const [since, until] = [midnight(filter.since), midnight(filter.until)];
  return [
    ...(typeof from === "number" && typeof to === "number" && to < from ? (["cost_to"] as const) : []),
    ...(since !== null && until !== null && until < since ? (["until"] as const) : []),
  ];
}

/** What the server is asked. Fields that cannot be meant are left out. */
export function queryOf(filter: Filter): Query {
  return { ...namesOf(filter), ...costsOf(filter), ...daysOf(filter) };
}

function namesOf({ q, flow, status, model, parent, trial }: Filter): Query {
  return {
    ...(q !== "" && { q }),
    ...(flow !== "" && { flow }),
    ...(status !== "" && { status: status as Status }),
    ...(model !== "" && { model }),
    ...(parent !== "" && { parent }),
    ...(trial !== "" && { trial: trial === "true" }),
  };
}

function costsOf({ cost_from, cost_to }: Filter): { cost_from?: number; cost_to?: number } {
  const [from, to] = [usd(cost_from), usd(cost_to)];
  return { ...(typeof from === "number" && { cost_from: from }), ...(typeof to === "number" && { cost_to: to }) };
}

function daysOf(filter: Filter): Query {
  const [since, until] = [midnight(filter.since), midnight(filter.until)];
  return {
    ...(since !== null && { since: since.toISOString() }),
    // The last day belongs to it.
    ...(until !== null && { until: nextDay(until).toISOString() }),
  };
}

/** What is asked for news: without that which a run may come into or leave as it goes on. */
export function newsQueryOf(filter: Filter): Query {
  return queryOf({ ...filter, status: "", cost_from: "", cost_to: "" });
}

/** Whether every run of the news belongs into the list. */
export function isNewsWhole({ status, cost_from, cost_to }: Filter): boolean {
  return status === "" && cost_from === "" && cost_to === "";
}

/** Whether a run of the news passes what they were not asked for. */
export function passes(filter: Filter, run: RunRow): boolean {
  if (filter.status !== "" && run.status !== filter.status) return false;
  const { cost_from: least, cost_to: most } = costsOf(filter);
  if (least === undefined && most === undefined) return true;
  const cost = run.cost_usd ?? null;
  return cost !== null && cost >= (least ?? 0) && cost <= (most ?? Infinity);
}

/** The figure; undefined where nothing is typed, null where it is none. */
function usd(typed: string): number | null | undefined {
  if (typed.trim() === "") return undefined;
  const value = Number(typed.replace(",", "."));
  return Number.isFinite(value) && value >= 0 ? value : null;
}

function midnight(day: string): Date | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const moment = new Date(`${day}T00:00:00`);
  return Number.isNaN(moment.getTime()) ? null : moment;
}

/** A day has 23 or 25 hours where clocks are changed: half a day later it is surely the next one. */
function nextDay(day: Date): Date {
  const later = new Date(day.getTime() + 1.5 * DAY_MS);
  later.setHours(0, 0, 0, 0);
  return later;
}
