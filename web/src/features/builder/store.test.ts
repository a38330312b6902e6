import { describe, expect, it } from "vitest";
import { addNode, changeNode, connect, removeNodes, type FlowDoc } from "./document";
import { flowNow, makeBuilder, selectedEdge, selectedNode } from "./store";

const flow: FlowDoc = {
  id: "mine",
  name: "Mine",
  nodes: [
    { id: "a", kind: "generate" },
    { id: "b", kind: "generate" },
  ],
  edges: [{ from: "a", to: "b" }],
};

function opened(etag: string | null = "1") {
  const time = { now: 0 };
  return { time, store: makeBuilder({ flow, etag }, () => time.now) };
}

const prompt = (text: string) => (document: FlowDoc) => changeNode(document, "a", { prompt: text });

describe("undo", () => {
  it("takes back what belongs together as one, and brings it again", () => {
    const { store, time } = opened();
    for (const text of ["H", "He", "Hel"]) {
      time.now += 300;
      store.getState().edit(prompt(text), "a/prompt");
    }
    time.now += 5_000;
    store.getState().edit(prompt("Help"), "a/prompt");
    store.getState().edit((document) => addNode(document, { id: "c", kind: "vote" }));
    store.getState().undo();
    expect(flowNow(store.getState()).nodes).toHaveLength(2);
    store.getState().undo();
    expect(flowNow(store.getState()).nodes[0]?.["prompt"]).toBe("Hel");
    store.getState().undo();
    expect(flowNow(store.getState())).toBe(flow);
    store.getState().undo();
    expect(flowNow(store.getState())).toBe(flow);
    [1, 2, 3, 4].forEach(() => store.getState().redo());
    expect(flowNow(store.getState()).nodes).toHaveLength(3);
  });

  it("cannot be redone once something else was edited", () => {
    const { store } = opened();
    store.getState().edit(prompt("one"));
    store.getState().undo();
    store.getState().edit(prompt("two"));
    store.getState().redo();
    expect(flowNow(store.getState()).nodes[0]?.["prompt"]).toBe("two");
  });

  it("has no step for an edit that changed nothing", () => {
    const { store } = opened();
    store.getState().edit((document) => connect(document, "a", "b"));
    expect(store.getState().history.past).toHaveLength(0);
  });

  it("back to what is saved leaves nothing to be saved", () => {
    const { store } = opened();
    store.getState().edit(prompt("one"));
    expect(store.getState().saving.phase).toBe("waiting");
    store.getState().undo();
    expect(store.getState().saving.phase).toBe("saved");
  });
});

describe("the selection", () => {
  it("holds what is there and nothing else", () => {
    const { store } = opened();
    store.getState().select(["a", "nobody"]);
    expect(selectedNode(store.getState())).toBe("a");
    store.getState().edit((document) => removeNodes(document, new Set(["a"])));
    expect(selectedNode(store.getState())).toBeNull();
    store.getState().undo();
    store.getState().select([], ["a->b"]);
    expect([selectedNode(store.getState()), selectedEdge(store.getState())]).toEqual([null, "a->b"]);
    store.getState().select(["a", "b"], ["a->b"]);
    expect([selectedNode(store.getState()), selectedEdge(store.getState())]).toEqual([null, null]);
  });

  it("that is the same as before is the same object: nothing renders anew", () => {
    const { store } = opened();
    store.getState().select(["a"]);
    const { selection } = store.getState();
    store.getState().select(["a"]);
    expect(store.getState().selection).toBe(selection);
  });
});

describe("a flow that is not stored", () => {
  it("is not edited and never saved", () => {
    const { store } = opened(null);
    store.getState().edit(prompt("one"));
    store.getState().saves({ is: "now" });
    expect([flowNow(store.getState()), store.getState().saving.phase]).toEqual([flow, "saved"]);
  });
});
