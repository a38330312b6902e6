import { describe, expect, it } from "vitest";
import { once } from "./once";
import { ApiProblem, Unreachable } from "./problem";

const problem = (status: number) => new ApiProblem(status, { type: "x", title: "", status, detail: "", request_id: "" } as never);

/** Sends it; the key that was sent. `fault`: what comes in place of an answer. */
async function send(content: unknown, fault?: Error): Promise<string> {
  let sent = "";
  const call = async (key: string) => {
    sent = key;
    if (fault !== undefined) throw fault;
  };
  await once("run", content, call).catch((error: unknown) => expect(error).toBe(fault));
  return sent;
}

describe("what is sent again", () => {
  it("has the same key where no answer came, and another one once it was answered", async () => {
    const first = await send({ prompt: "a" }, new Unreachable("away"));
    expect(await send({ prompt: "a" }, problem(502))).toBe(first);
    expect(await send({ prompt: "a" })).toBe(first);
    expect(await send({ prompt: "a" })).not.toBe(first);
  });

  it("has a key of its own where it is something else", async () => {
    const first = await send({ prompt: "a" }, new Unreachable("away"));
    expect(await send({ prompt: "b" }, new Unreachable("away"))).not.toBe(first);
    expect(await send({ prompt: "b" })).not.toBe(first);
  });

  it("has another key where the first was refused: nothing was begun then", async () => {
    const first = await send({ prompt: "c" }, problem(422));
    expect(await send({ prompt: "c" })).not.toBe(first);
  });
});
