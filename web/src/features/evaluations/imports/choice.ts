// What was chosen to be imported, and the files of it as the server is given them.
import { kindOf, nameFrom, readText } from "../form/upload";
import type { Asked, TextFile } from "./answers";

export const COLUMNS = ["id", "input", "target", "answer", "arm"] as const;
type Column = (typeof COLUMNS)[number];

/** In place of a dataset: the files hold the questions too. No dataset can be called so. */
export const OWN = "";
export const tooMuch = { mb: 50 };

export interface Choice {
  files: readonly File[];
  dataset: string;
  columns: Record<Column, string>;
  /** Columns that are an arm each, with commas between them. */
  arms: string;
  baseline: string;
}

export const NOTHING: Choice = {
  files: [],
  dataset: "demo",
  columns: { id: "", input: "", target: "", answer: "", arm: "" },
  arms: "",
  baseline: "auto",
};

export const isOwn = ({ dataset }: Choice) => dataset === OWN;

/** What is to be read, or why a file cannot be. */
export async function asked({ files, dataset, columns, arms }: Choice): Promise<Asked | "own_of_many" | "too_large" | "unreadable" | "empty"> {
  if (dataset === OWN && files.length > 1) return "own_of_many";
  if (files.reduce((bytes, { size }) => bytes + size, 0) > tooMuch.mb * 1_000_000) return "too_large";
  const texts: TextFile[] = [];
  for (const file of files) {
    const text = await readText(file);
    if (text === null) return "unreadable";
    if (text.trim() === "") return "empty";
    texts.push({ file: file.name, name: nameFrom(file.name) || "imported", kind: kindOf(file.name), text });
  }
  return {
    files: texts,
    dataset: dataset === OWN ? null : dataset,
    arms: listed(arms),
    columns: Object.fromEntries(COLUMNS.flatMap((column) => (columns[column].trim() === "" ? [] : [[column, columns[column].trim()]]))),
  };
}

function listed(names: string): string[] {
  return names.split(",").flatMap((name) => name.trim() || []);
}
