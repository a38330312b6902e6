import { describe, expect, it } from "vitest";
import { arrangement, recalled } from "./drawings";

const flow = () => ({ nodes: [{ id: "a" }, { id: "b" }], edges: [{ from: "a", to: "b" }] });
const always = () => true;

describe("drawings that wait for their turn", () => {
  it("are arranged one after the other, with time for other work between them", async () => {
    const seen: string[] = [];
    const first = arrangement(flow(), always).then(() => setTimeout(() => seen.push("work of others")));
    const second = arrangement(flow(), always).then(() => seen.push("second"));
    await Promise.all([first, second]);
    expect(seen).toEqual(["work of others", "second"]);
  });

  it("are known afterwards", async () => {
    const one = flow();
    expect(recalled(one)).toBeUndefined();
    const found = await arrangement(one, always);
    expect(recalled(one)).toBe(found);
    expect(found?.places.size).toBe(2);
  });

  it("are left out where nobody looks any more, and one that cannot be arranged holds up none", async () => {
    const unwanted = flow();
    const broken = { nodes: null, edges: [] } as never;
    const [left, failed, good] = await Promise.allSettled([
      arrangement(unwanted, () => false),
      arrangement(broken, always),
      arrangement(flow(), always),
    ]);
    expect(left).toEqual({ status: "fulfilled", value: undefined });
    expect(recalled(unwanted)).toBeUndefined();
    expect(failed.status).toBe("rejected");
    expect(good.status).toBe("fulfilled");
  });
});
