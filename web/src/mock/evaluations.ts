// The evaluations of mock mode: the recorded one, its report and its items; it can be looked at from every side and deleted.
import type { components } from "@/shared/api/schema";
import { json, missing, nothing, problem, unknown } from "./answers";
import type { Recording } from "./recording";

type Schemas = components["schemas"];
type Row = Schemas["ItemRow"];
type Page<Key extends string, One> = { [key in Key]: One[] };

const AT = "/api/evaluations";
/** From here on an item counts as right. */
const RIGHT = 0.5;
const PAGE = 50;

export class MockEvaluations {
  private deleted = new Set<string>();

  constructor(private readonly recording: Recording) {}

  list(): Response {
    const { evaluations } = this.recording.answers[`GET ${AT}`] as Page<"evaluations", Schemas["EvaluationInfo"]>;
    return json({ evaluations: evaluations.filter(({ evaluation_id }) => !this.deleted.has(evaluation_id)), next_cursor: null });
  }

  badges(): Response {
    const { badges } = this.recording.answers["GET /api/badges"] as Page<"badges", Schemas["Badge"]>;
    return json({ badges: badges.filter(({ evaluation_id }) => !this.deleted.has(evaluation_id)) });
  }

  /** Recorded is that of the form as it is at first: all built-in problems, one flow. */
  estimate({ dataset, limit, samples, arms }: Schemas["EvaluationSpec-Input"]): Response {
    const [arm] = arms;
    const isFirst = dataset === "demo" && (limit ?? null) === null && (samples ?? 1) === 1 && arms.length === 1;
    if (isFirst && arm?.kind === "flow" && arm.flow === "challenge") return json(this.recording.answers[`POST ${AT}/estimate`]);
    return unknown("Mock mode cannot tell what another evaluation takes; start the server for it.");
  }

  /** What is asked of one: `GET `, `GET items`, `DELETE `, ... */
  one(id: string, asked: string, query: URLSearchParams): Response {
    if (this.deleted.has(id) || this.answer(id, "") === undefined) return missing(`There is no evaluation '${id}' in mock mode.`);
    if (asked === "GET items") return this.items(id, query);
    if (asked === "DELETE ") {
      this.deleted.add(id);
      return nothing();
    }
    if (asked === "POST cancel" || asked === "POST resume") return problem(409, "conflict", "This evaluation has ended.");
    const what = asked === "GET item" ? `/item?id=${query.get("id")}` : asked.replace(/^GET (.+)$/, "/$1").replace("GET ", "");
    const found = this.answer(id, what);
    return found === undefined ? unknown(`Mock mode has no recorded answer to '${asked}' of an evaluation; start the server for it.`) : json(found);
  }

  private answer(id: string, what: string): unknown {
    return this.recording.answers[`GET ${AT}/${id}${what}`];
  }

  private items(id: string, query: URLSearchParams): Response {
    const all = this.answer(id, "/items") as Page<"items", Row>;
    const found = all.items.filter((row) => isLike(row, query));
    const begins = Number(query.get("cursor") ?? 0);
    const ends = begins + Number(query.get("limit") ?? PAGE);
    return json({ items: found.slice(begins, ends), found: found.length, next_cursor: ends < found.length ? String(ends) : null });
  }
}

function isLike(row: Row, query: URLSearchParams): boolean {
  const { id, input, target } = row.item;
  const words = (query.get("q") ?? "").toLowerCase();
  return [id, input, target ?? ""].join("\n").toLowerCase().includes(words) && isOnly(row.marks, query);
}

/** Whether the two arms did so on it. */
function isOnly(marks: Row["marks"], query: URLSearchParams): boolean {
  const only = query.get("only") ?? "all";
  if (only === "all") return true;
  const pair = [marks[query.get("arm") ?? ""], marks[query.get("against") ?? ""]].filter((mark) => mark !== undefined);
  if (only === "failed") return (pair.length > 0 ? pair : Object.values(marks)).some(({ failed }) => failed > 0);
  const [one, other] = pair;
  if (one === undefined || other === undefined) return false;
  const tests: Record<string, boolean> = {
    differ: one.score !== other.score,
    arm_better: one.score > other.score,
    against_better: one.score < other.score,
    both: one.score > RIGHT && other.score > RIGHT,
    neither: one.score < RIGHT && other.score < RIGHT,
  };
  return tests[only] ?? false;
}
