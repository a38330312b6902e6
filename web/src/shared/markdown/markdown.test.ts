import { describe, expect, it, test } from "vitest";

import { blocksOf, LONGEST_BLOCK } from "./blocks";
import { targetOf } from "./links";

const texts = (text: string): readonly string[] => blocksOf(text).map((block) => block.text);

describe("a text", () => {
  it.each([
    ["", []],
    ["\n\n", []],
    ["one", ["one"]],
    ["one\nstill one\n\ntwo", ["one\nstill one", "two"]],
    ["# Head\n\n\n\ntext\n", ["# Head", "text"]],
    ["- a\n\n- b\n\n  more of b\n\nafter", ["- a\n\n- b\n\n  more of b", "after"]],
    ["1. a\n\n2. b\n\n* * *", ["1. a\n\n2. b\n\n* * *"]],
    ["> said\n\n> more\n\nafter", ["> said\n\n> more", "after"]],
    ["    code\n\n    more\n\nafter", ["    code\n\n    more", "after"]],
    ["```py\na\n\nb\n```\n\nafter", ["```py\na\n\nb\n```", "after"]],
    ["~~~\n```\n\nx\n~~~\n\nafter", ["~~~\n```\n\nx\n~~~", "after"]],
    ["````\n```\n\nx\n````\n\nafter", ["````\n```\n\nx\n````", "after"]],
    ["```\nnever closed\n\nx\n\ny", ["```\nnever closed\n\nx\n\ny"]],
    ["a `` b ``` c\n\nafter", ["a `` b ``` c", "after"]],
    ["``` not `a fence\n\nafter", ["``` not `a fence", "after"]],
  ])("%j is cut into %j", (text, blocks) => {
    expect(texts(text)).toEqual(blocks);
  });

  it("keeps its finished blocks as they are while it grows", () => {
    const whole = "# A\n\npara **one**\n\n- x\n\n- y\n\n```js\nlet a;\n\nlet b;\n```\n\nend of it\n\nand more";
    let before: readonly string[] = [];
    for (let end = 1; end <= whole.length; end += 1) {
      const now = texts(whole.slice(0, end));
      expect(now.slice(0, Math.max(0, before.length - 1))).toEqual(before.slice(0, -1));
      before = now;
    }
    expect(before).toHaveLength(5);
  });

  it("may define its links anywhere", () => {
    expect(texts("see [here][1]\n\nno link\n\n[1]: https://example.org")).toEqual([
      "see [here][1]\n\n[1]: https://example.org",
      "no link",
      "[1]: https://example.org",
    ]);
  });

  it("is shown as it is where a block of it is endless", () => {
    expect(blocksOf(`short\n\n${"[".repeat(LONGEST_BLOCK + 1)}`).map(({ isPlain }) => isPlain)).toEqual([false, true]);
    const many = Array.from({ length: 5_000 }, (_, at) => `[${at}]: https://example.org/${at}`).join("\n");
    expect(blocksOf(`see [1]\n\n${many}`)[0]).toEqual({ text: "see [1]", isPlain: false });
  });
});

test("a hundred thousand lines are cut in a blink", () => {
  const began = performance.now();
  expect(blocksOf("a line [of] text\n\n".repeat(50_000))).toHaveLength(50_000);
  expect(performance.now() - began).toBeLessThan(1_000);
});

describe("a link", () => {
  it.each([
    ["https://example.org/a?b=c#d", "example.org"],
    [" http://example.org:8080/ ", "example.org:8080"],
    ["HTTPS://EXAMPLE.ORG", "example.org"],
    ["https://xn--80ak6aa92e.com/", "xn--80ak6aa92e.com"],
    ["https://аррӏе.com/", "xn--80ak6aa92e.com"],
    ["mailto:ada@example.org", "ada@example.org"],
  ])("%j leads to %j", (written, place) => {
    expect(targetOf(written)?.place).toBe(place);
  });

  it.each([
    undefined, "", "#top", "/api/runs", "//example.org", "page.html", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
    " java\nscript:alert(1)", "data:text/html,<script>1</script>", "vbscript:x", "file:///etc/passwd", "blob:https://x/1",
    "ftp://example.org", "https://bank.example@evil.example/", "https://user:word@evil.example", "mailto:", "https://",
  ])("%j leads nowhere", (written) => {
    expect(targetOf(written)).toBeNull();
  });
});
