import { describe, expect, it } from "vitest";
import { fragmentOf, paste, readFragment, writeFragment } from "./clipboard";
import type { FlowDoc } from "./document";

const flow: FlowDoc = {
  id: "mine",
  name: "Mine",
  nodes: [
    { id: "a", kind: "generate", prompt: "{user_input}" },
    { id: "b", kind: "generate", prompt: "Mend {a_output}, {c_output}" },
    { id: "c", kind: "vote" },
  ],
  edges: [
    { from: "a", to: "b", when: { value: "a.tokens", op: ">", than: 1 } },
    { from: "b", to: "c" },
  ],
};
const places = new Map([
  ["a", { x: 0, y: 0 }],
  ["b", { x: 300, y: 40 }],
  ["c", { x: 600, y: 0 }],
]);
const both = fragmentOf(flow, new Set(["a", "b"]), places);

describe("what is copied", () => {
  it("is the nodes and the edges between them", () => {
    expect(both.nodes.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(both.edges).toEqual([flow.edges[0]]);
    expect(both.layout).toEqual({ a: { x: 0, y: 0 }, b: { x: 300, y: 40 } });
  });

  it("comes through a text as it was", () => {
    expect(readFragment(writeFragment(both))).toEqual(both);
  });

  it("may be a whole flow document", () => {
    expect(readFragment(JSON.stringify(flow))?.nodes).toEqual(flow.nodes);
  });

  it.each(["", "hello", "{", "[]", "{}", '{"nodes": []}', '{"nodes": [{"id": 1}]}', '{"nodes": {"a": 1}}', "null"])(
    "is nothing where the text is something else: %s",
    (text) => expect(readFragment(text)).toBeNull(),
  );

  it("leaves out edges to nodes that did not come, and places that are none", () => {
    const text = JSON.stringify({ nodes: [{ id: "a", kind: "vote" }], edges: [{ from: "a", to: "b" }, 5], layout: { a: { x: "1" } } });
    expect(readFragment(text)).toEqual({ nodes: [{ id: "a", kind: "vote" }], edges: [], layout: {}, notes: [] });
  });
});

describe("what is pasted", () => {
  it("has names of its own, and speaks of itself where it spoke of what it is a copy of", () => {
    const { flow: pasted, ids } = paste(flow, both);
    expect(ids).toEqual(["a_2", "b_2"]);
    expect(pasted.nodes.slice(3)).toEqual([
      { id: "a_2", kind: "generate", prompt: "{user_input}" },
      { id: "b_2", kind: "generate", prompt: "Mend {a_2_output}, {c_output}" },
    ]);
    expect(pasted.edges.slice(2)).toEqual([{ from: "a_2", to: "b_2", when: { value: "a_2.tokens", op: ">", than: 1 } }]);
    expect(pasted.nodes.slice(0, 3)).toEqual(flow.nodes);
  });

  it("keeps its shape where it is put", () => {
    expect(paste(flow, both, { x: 1000, y: 500 }).flow.layout).toEqual({ a_2: { x: 1000, y: 500 }, b_2: { x: 1300, y: 540 } });
    expect(paste(flow, both).flow.layout).toEqual({ a_2: { x: 32, y: 96 }, b_2: { x: 332, y: 136 } });
    // Pasted once more it lies upon neither.
    expect(paste(paste(flow, both).flow, both).flow.layout).toMatchObject({ a_3: { x: 64, y: 192 }, b_3: { x: 364, y: 232 } });
  });

  it("can be pasted again and again", () => {
    const once = paste(flow, both).flow;
    expect(paste(once, both).ids).toEqual(["a_3", "b_3"]);
  });

  it("keeps the names of another flow where they are free", () => {
    expect(paste({ id: "other", name: "Other", nodes: [], edges: [] }, both).ids).toEqual(["a", "b"]);
  });
});
