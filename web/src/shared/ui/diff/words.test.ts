import { describe, expect, it } from "vitest";
import { blocksOf, folded, type Block } from "./words";

const said = (blocks: readonly Block[], side: "gone" | "new") =>
  blocks.map((block) => (block.kind === "same" ? block.text : block.pieces.filter(({ kind }) => kind !== side).map(({ text }) => text).join(""))).join("");

/** A small generator of its own, so that a failure can be had again. */
function* chances(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

function randomText(chance: Generator<number>): string {
  const words = ["one", "two", "three", "\n", " ", "4.", "ñandú", "\n\n", "🙂", "\r\n", "…"];
  const count = Math.floor((chance.next().value as number) * 40);
  return Array.from({ length: count }, () => words[Math.floor((chance.next().value as number) * words.length)]).join("");
}

describe("blocks of a difference", () => {
  it("are one that is the same where nothing changed, and none of two empty texts", () => {
    expect(blocksOf("a\nb", "a\nb")).toEqual([{ kind: "same", text: "a\nb" }]);
    expect(blocksOf("", "")).toEqual([]);
  });

  it("tell the words that changed within a line", () => {
    const [same, change] = blocksOf("First line\nAnswer: 32 apples\n", "First line\nAnswer: 42 apples\n");
    expect(same).toEqual({ kind: "same", text: "First line\n" });
    expect(change?.kind === "changed" && change.pieces).toEqual([
      { kind: "same", text: "Answer: " },
      { kind: "gone", text: "32" },
      { kind: "new", text: "42" },
      { kind: "same", text: " apples\n" },
    ]);
  });

  it("read words that changed one after the other as one change", () => {
    const [change] = blocksOf("Say it in full", "Say it briefly and well");
    expect(change?.kind === "changed" && change.pieces).toEqual([
      { kind: "same", text: "Say it " },
      { kind: "gone", text: "in full" },
      { kind: "new", text: "briefly and well" },
    ]);
  });

  it("give both texts back, whatever they are", () => {
    const chance = chances(7);
    for (let round = 0; round < 500; round += 1) {
      const [before, after] = [randomText(chance), randomText(chance)];
      const blocks = blocksOf(before, after);
      expect(said(blocks, "new")).toBe(before);
      expect(said(blocks, "gone")).toBe(after);
    }
  });

  it("replace a part whole where comparing it would take long", () => {
    const before = Array.from({ length: 20_000 }, (_, line) => `a ${line}`).join("\n");
    const after = Array.from({ length: 20_000 }, (_, line) => `b ${line * 7}`).join("\n");
    const began = performance.now();
    const blocks = blocksOf(before, after);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(said(blocks, "new")).toBe(before);
    expect(said(blocks, "gone")).toBe(after);
  });

  it("compare no more words once their time is over", () => {
    let time = 0;
    const blocks = blocksOf("a 1\nsame\nb 1\n", "a 2\nsame\nb 2\n", () => (time += 200));
    const changes = blocks.filter((block) => block.kind === "changed");
    expect(changes.map(({ pieces }) => pieces.some(({ kind }) => kind === "same"))).toEqual([true, false]);
  });
});

describe("a long text that is the same", () => {
  const text = Array.from({ length: 20 }, (_, line) => `line ${line}`).join("\n");

  it("shows its beginning and its end", () => {
    expect(folded(text, 2)).toEqual({ head: "line 0\nline 1", hidden: 16, tail: "line 18\nline 19" });
  });

  it("is shown whole where little would be left out", () => {
    expect(folded("a\nb\nc", 2)).toBeNull();
  });
});
