import { describe, expect, it } from "vitest";
import { isDatasetName, kindOf, nameFrom, readText } from "./upload";

describe("a file of items", () => {
  it("gives its dataset a name that the server takes", () => {
    expect(nameFrom("Mis preguntas (2).jsonl")).toBe("Mis-preguntas-2");
    expect(nameFrom("gsm8k.test.csv")).toBe("gsm8k.test");
    expect(isDatasetName(nameFrom("-años.csv"))).toBe(true);
    expect(isDatasetName("two words")).toBe(false);
  });

  it("is what its ending says, and looked into where that says nothing", () => {
    expect([kindOf("a.CSV"), kindOf("a.jsonl"), kindOf("a.json"), kindOf("a")]).toEqual(["csv", "jsonl", "auto", "auto"]);
  });

  it("is text, or it is nothing", async () => {
    expect(await readText(new File(["año"], "a.csv"))).toBe("año");
    expect(await readText(new File([new Uint8Array([0xff, 0xfe, 0x61])], "a.csv"))).toBeNull();
  });
});
