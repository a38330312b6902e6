// Cuts Markdown into blocks that mean the same alone: while a text grows, only its last block is read again.

/** Longer blocks are shown as they are: no parser is let loose on what no reader reads. */
export const LONGEST_BLOCK = 20_000;

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const DEFINITION = /^ {0,3}\[[^\]]+\]:\s*\S/;
/** A line that may belong to what stands above it, across blank lines: of a list, a quote, a table, indented code. */
const GOES_ON = /^(?:\s|[-*+](?:\s|$)|\d{1,9}[.)](?:\s|$)|>|\|)/;

export interface Block {
  readonly text: string;
  /** Shown as it is, not read as Markdown. */
  readonly isPlain: boolean;
}

/** Joined by empty lines, the blocks are the text again, but for what stands between them. */
export function blocksOf(text: string): readonly Block[] {
  const lines = text.split("\n");
  const definitions = lines.filter((line) => DEFINITION.test(line));
  const blocks: string[][] = [];
  let block: string[] = [];
  let fence: string | null = null;
  let isAfterBlank = false;
  for (const line of lines) {
    const isBlank = fence === null && line.trim() === "";
    if (fence === null && isAfterBlank && !isBlank && block.length > 0 && !GOES_ON.test(line)) {
      blocks.push(block);
      block = [];
    }
    fence = fenceAfter(fence, line);
    if (!isBlank || block.length > 0) block.push(line);
    isAfterBlank = isBlank;
  }
  if (block.length > 0) blocks.push(block);
  return blocks.map((parts) => asBlock(parts, definitions));
}

/** The fence that is open after this line: its marks, or null. */
function fenceAfter(open: string | null, line: string): string | null {
  const [, marks = "", rest = ""] = FENCE.exec(line) ?? [];
  if (open === null) return marks === "" || (marks.startsWith("`") && rest.includes("`")) ? null : marks;
  const closes = marks.startsWith(open.charAt(0)) && marks.length >= open.length && rest.trim() === "";
  return closes ? null : open;
}

/** A link may be defined anywhere in a text: each block that uses brackets gets the definitions to hand. */
function asBlock(lines: readonly string[], definitions: readonly string[]): Block {
  const own = lines.join("\n").trimEnd();
  if (own.length > LONGEST_BLOCK) return { text: own, isPlain: true };
  const elsewhere = own.includes("[") ? definitions.filter((line) => !lines.includes(line)) : [];
  const text = elsewhere.length === 0 ? own : `${own}\n\n${elsewhere.join("\n")}`;
  return { text: text.length > LONGEST_BLOCK ? own : text, isPlain: false };
}
