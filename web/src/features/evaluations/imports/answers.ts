// Files of answers that were made elsewhere: what they were understood as together, and the evaluation that is made of it.
import { api, told } from "@/shared/api/client";
import type { components } from "@/shared/api/schema";
import type { AnyArm, Dataset, EvaluationSpec } from "../api";

type Schemas = components["schemas"];
export type AnswersFile = Schemas["AnswersFile"];
export type AnswersRead = Schemas["AnswersRead"];

export interface TextFile {
  /** As it lies on the disk. */
  file: string;
  name: string;
  kind: "auto" | "json" | "jsonl" | "csv";
  text: string;
}

export interface Asked {
  files: readonly TextFile[];
  /** Null where the file, which is the only one then, holds the questions too. */
  dataset: string | null;
  arms: readonly string[];
  columns: Readonly<Record<string, string>>;
}

/** What the files hold, all together. */
export interface Reading extends Pick<AnswersRead, "items" | "samples" | "answers" | "warnings"> {
  /** By warning, what it says. */
  said: NonNullable<AnswersRead["said"]>;
  dataset: Dataset;
  /** By arm, the file that it is from. */
  sources: Record<string, string>;
}

/** What is wrong with one of the files. */
export class FileProblem extends Error {
  override readonly name = "FileProblem";

  constructor(
    readonly file: string,
    readonly problem: unknown,
  ) {
    super(file);
  }
}

/** Two files have the same arm. */
export class SameArm extends Error {
  override readonly name = "SameArm";

  constructor(
    readonly arm: string,
    readonly files: readonly [string, string],
  ) {
    super(arm);
  }
}

/** Reads one after the other. `keep`: the questions of the file become a dataset, where none was chosen. */
export async function readAll({ files, dataset, arms, columns }: Asked, keep: boolean, signal?: AbortSignal): Promise<Reading> {
  const found: [string, AnswersRead][] = [];
  for (const { file, name, kind, text } of files) {
    const body: AnswersFile = { name, kind, text, dataset, arms: [...arms], columns: { ...columns }, keep: keep && dataset === null };
    const read = await told(api.POST("/api/evaluations/import/read", { body, ...(signal !== undefined && { signal }) })).catch((problem: unknown) => {
      throw new FileProblem(file, problem);
    });
    found.push([file, read]);
  }
  return together(found);
}

/** Throws SameArm. */
export function together(found: readonly (readonly [string, AnswersRead])[]): Reading {
  const first = found[0]?.[1];
  if (first === undefined) throw new Error("no file was read");
  const sources: Record<string, string> = {};
  const answers: Reading["answers"] = {};
  for (const [file, read] of found)
    for (const [arm, given] of Object.entries(read.answers)) {
      const other = sources[arm];
      if (other !== undefined) throw new SameArm(arm, [other, file]);
      sources[arm] = file;
      answers[arm] = given;
    }
  const samples = Math.max(...found.map(([, read]) => read.samples));
  const warnings = [...new Set(found.flatMap(([, read]) => read.warnings))];
  const said = Object.fromEntries(found.flatMap(([, read]) => Object.entries(read.said ?? {})));
  return { dataset: first.dataset, items: first.items, samples, answers, sources, warnings, said };
}

/** How answers are scored, of an evaluation that asks for more. */
type Judged = Pick<EvaluationSpec, "scorer" | "run_code" | "budget_usd">;

/** The evaluation that holds the arms of the files against each other. Only a judge costs anything. */
export function importSpec({ dataset, samples, sources }: Reading, baseline: string, { scorer, run_code, budget_usd }: Judged): EvaluationSpec {
  const arms = Object.entries(sources).map(([name, source]) => ({ kind: "imported", name, source }) as AnyArm);
  return {
    dataset: dataset.name,
    arms,
    baseline: baseline in sources ? baseline : "auto",
    samples,
    scorer,
    run_code,
    budget_usd: scorer?.name === "judge" ? budget_usd : null,
  } as EvaluationSpec;
}
