import { expect, it } from "vitest";
import { asked, NOTHING, OWN } from "./choice";

const first = new File(["answer\n42\n"], "first model.csv");
const second = new File([" \n"], "second.csv");

it("takes the questions from one file alone", async () => {
  expect(await asked({ ...NOTHING, dataset: OWN, files: [first, first] })).toBe("own_of_many");
  expect(await asked({ ...NOTHING, dataset: OWN, files: [first] })).toMatchObject({ dataset: null, files: [{ file: "first model.csv", kind: "csv" }] });
});

it("asks for what was written of columns, and for no empty file", async () => {
  expect(await asked({ ...NOTHING, files: [first, second] })).toBe("empty");
  const columns = { ...NOTHING.columns, answer: " said " };
  expect(await asked({ ...NOTHING, files: [first], columns, arms: "a, ,b" })).toMatchObject({
    dataset: "demo",
    columns: { answer: "said" },
    arms: ["a", "b"],
  });
});
