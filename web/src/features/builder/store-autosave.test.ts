import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiProblem, problemOf, Unreachable } from "@/shared/api/problem";
import { changeNode, type FlowDoc } from "./document";
import { flowNow, makeBuilder } from "./store";
import type { OpenedFlow } from "./store-api";
import { startAutosave, type SaveDoor } from "./store-autosave";
import type { LocalCopy } from "./store-local";

const flow: FlowDoc = { id: "mine", name: "Mine", nodes: [{ id: "a", kind: "generate" }], edges: [] };
const stale = new ApiProblem(412, problemOf(412, null, null).document);

/** A server with one flow, whose answers can be held back, lost or refused. */
class Server implements SaveDoor {
  document = flow;
  revision = 1;
  saves: unknown[] = [];
  copies = new Map<string, LocalCopy>();
  /** What becomes of the next saves: an error, or that the answer is lost after the save was done. */
  next: ("lost" | Error)[] = [];
  held: (() => void)[] | null = null;

  readonly keeper = {
    read: (id: string) => this.copies.get(id) ?? null,
    write: (id: string, copy: LocalCopy) => void this.copies.set(id, copy),
    drop: (id: string) => void this.copies.delete(id),
  };

  async save(document: FlowDoc, etag: string): Promise<string> {
    this.saves.push(document.nodes[0]?.["prompt"]);
    if (this.held !== null) await new Promise<void>((go) => this.held?.push(go));
    const what = this.next.shift();
    if (what instanceof Error) throw what;
    if (etag !== `"${this.revision}"`) throw stale;
    this.document = document;
    this.revision += 1;
    if (what === "lost") throw new Unreachable("lost");
    return `"${this.revision}"`;
  }

  async read(): Promise<OpenedFlow> {
    return { document: this.document, flow: this.document, etag: `"${this.revision}"` };
  }
}

function begin() {
  const server = new Server();
  const builder = makeBuilder({ flow, etag: '"1"' });
  const autosave = startAutosave(builder, server);
  const type = (prompt: string) => builder.getState().edit((document) => changeNode(document, "a", { prompt }), "a");
  return { server, builder, autosave, type, phase: () => builder.getState().saving.phase };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("autosave", () => {
  it("sends the newest text once, a moment after the last letter", async () => {
    const { server, type, phase } = begin();
    for (const text of ["H", "He", "Hey"]) {
      type(text);
      await vi.advanceTimersByTimeAsync(300);
    }
    expect(server.saves).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([server.saves, phase()]).toEqual([["Hey"], "saved"]);
  });

  it("never lets a late answer take the place of what was typed meanwhile", async () => {
    const { server, builder, type, phase } = begin();
    server.held = [];
    type("one");
    await vi.advanceTimersByTimeAsync(1_000);
    type("one two");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.saves).toEqual(["one"]);
    const [answer] = server.held;
    server.held = null;
    answer?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(flowNow(builder.getState()).nodes[0]?.["prompt"]).toBe("one two");
    await vi.advanceTimersByTimeAsync(1_000);
    expect([server.saves, server.document.nodes[0]?.["prompt"], phase()]).toEqual([["one", "one two"], "one two", "saved"]);
  });

  it("keeps a copy here for as long as the server does not have it", async () => {
    const { server, type, phase } = begin();
    server.next = [new Unreachable("away"), new Unreachable("away")];
    type("one");
    await vi.advanceTimersByTimeAsync(1_500);
    expect([phase(), server.copies.get("mine")?.flow.nodes[0]?.["prompt"]]).toEqual(["offline", "one"]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([phase(), server.copies.size, server.document.nodes[0]?.["prompt"]]).toEqual(["saved", 0, "one"]);
  });

  it("does not take its own save for somebody else's where the answer was lost", async () => {
    const { server, type, phase } = begin();
    server.next = ["lost"];
    type("one");
    await vi.advanceTimersByTimeAsync(10_000);
    expect([phase(), server.revision]).toEqual(["saved", 2]);
    type("two");
    await vi.advanceTimersByTimeAsync(2_000);
    expect([phase(), server.document.nodes[0]?.["prompt"]]).toEqual(["saved", "two"]);
  });

  it("goes on where the answer was lost and more was typed before the next try", async () => {
    const { server, type, phase } = begin();
    server.next = ["lost", new Unreachable("away")];
    type("one");
    await vi.advanceTimersByTimeAsync(1_000);
    type("one two");
    await vi.advanceTimersByTimeAsync(20_000);
    expect([phase(), server.document.nodes[0]?.["prompt"]]).toEqual(["saved", "one two"]);
  });

  it("leaves alone what another tab keeps here", async () => {
    const { server, autosave } = begin();
    const copy = { flow: changeNode(flow, "a", { prompt: "of another tab" }), etag: '"1"', at: "2026-01-01T00:00:00Z" };
    server.copies.set("mine", copy);
    autosave.leave();
    expect(server.copies.get("mine")).toBe(copy);
  });

  it("writes over nobody", async () => {
    const { server, type, phase } = begin();
    server.document = changeNode(flow, "a", { prompt: "theirs" });
    server.revision = 7;
    type("mine");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([phase(), server.document.nodes[0]?.["prompt"]]).toEqual(["conflict", "theirs"]);
    expect(server.saves).toHaveLength(1);
    // Where the tab that was first does not write.
    expect([server.copies.has("mine"), server.copies.get("mine/left")?.flow.nodes[0]?.["prompt"]]).toEqual([false, "mine"]);
  });

  it("is in nobody's way while the flow is published, and takes that for no change of somebody else's", async () => {
    const { server, builder, type, phase } = begin();
    let publish = () => undefined as void;
    const publishing = builder.getState().alone(() => new Promise<void>((go) => (publish = go)));
    await vi.advanceTimersByTimeAsync(0);
    type("meanwhile");
    await vi.advanceTimersByTimeAsync(5_000);
    const run = builder.getState().flush();
    await vi.advanceTimersByTimeAsync(0);
    expect([server.saves, phase()]).toEqual([[], "waiting"]);
    server.revision += 1; // published: the same document under another tag
    publish();
    await publishing;
    await run;
    await vi.advanceTimersByTimeAsync(2_000);
    expect([phase(), server.document.nodes[0]?.["prompt"]]).toEqual(["saved", "meanwhile"]);
  });

  it("keeps with the edits what was sent and not answered", async () => {
    const { server, autosave, type } = begin();
    server.next = ["lost", new Unreachable("away"), new Unreachable("away")];
    type("one");
    await vi.advanceTimersByTimeAsync(1_000);
    type("one two");
    autosave.leave();
    const copy = server.copies.get("mine");
    expect(copy?.flow.nodes[0]?.["prompt"]).toBe("one two");
    expect(copy?.sent?.map((one) => one.nodes[0]?.["prompt"])).toEqual(["one"]);
    autosave.stop();
  });

  it("says what the server refuses, and goes on with the next edit", async () => {
    const { server, type, phase } = begin();
    server.next = [new ApiProblem(413, problemOf(413, null, null).document)];
    type("too much");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([phase(), server.saves]).toEqual(["refused", ["too much"]]);
    type("less");
    await vi.advanceTimersByTimeAsync(1_000);
    expect([phase(), server.document.nodes[0]?.["prompt"]]).toEqual(["saved", "less"]);
  });

  it("saves at once when asked to, and answers when it is done", async () => {
    const { server, builder, type, phase } = begin();
    type("now");
    await builder.getState().flush();
    expect([phase(), server.saves]).toEqual(["saved", ["now"]]);
    await builder.getState().flush();
    expect(server.saves).toHaveLength(1);
  });

  it("keeps what is not saved yet when the page is left, and nothing when all is", async () => {
    const { server, builder, autosave, type } = begin();
    type("left");
    autosave.leave();
    expect(server.copies.get("mine")?.flow.nodes[0]?.["prompt"]).toBe("left");
    await builder.getState().flush();
    autosave.leave();
    expect(server.copies.size).toBe(0);
    autosave.stop();
  });
});
