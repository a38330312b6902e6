// What a file of items tells before it is sent.

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;

export function isDatasetName(name: string): boolean {
  return NAME.test(name);
}

/** A name for the dataset in a file: the file's own, with what a name cannot have left out. */
export function nameFrom(file: string): string {
  const stem = file.replace(/\.[A-Za-z0-9]+$/, "").normalize("NFKD").replace(/[^A-Za-z0-9_.-]+/g, "-");
  return stem.replace(/^[^A-Za-z0-9]+|-+$/g, "").slice(0, 100);
}

export function kindOf(file: string): "auto" | "jsonl" | "csv" {
  const ending = /\.([A-Za-z0-9]+)$/.exec(file)?.[1]?.toLowerCase();
  return ending === "csv" ? "csv" : ending === "jsonl" ? "jsonl" : "auto";
}

/** Null where it is no text. */
export async function readText(file: File): Promise<string | null> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    return null;
  }
}
