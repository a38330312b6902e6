import { describe, expect, it } from "vitest";
import { add, copySelected, duplicateSelected, go, insert, moveSelected, pasteText, removeSelected, selectAll, tidy } from "./actions";
import { type FlowDoc } from "./document";
import { flowNow, makeBuilder, selectedNode, selectedOpenEdge } from "./store";

const empty: FlowDoc = { id: "mine", name: "Mine", nodes: [], edges: [] };
const open = (flow: FlowDoc = empty) => makeBuilder({ flow, etag: "1" }, () => 0);
const ids = (builder: ReturnType<typeof open>) => flowNow(builder.getState()).nodes.map(({ id }) => id);

function threeInARow() {
  const builder = open();
  let after: string | null = null;
  for (let count = 0; count < 3; count += 1) after = add(builder, { kind: "generate", after });
  return builder;
}

describe("a new node", () => {
  it("follows the one that it is put behind, and is selected", () => {
    const builder = threeInARow();
    const flow = flowNow(builder.getState());
    expect(ids(builder)).toEqual(["generate", "generate_2", "generate_3"]);
    expect(flow.edges).toEqual([
      { from: "generate", to: "generate_2" },
      { from: "generate_2", to: "generate_3" },
    ]);
    expect(selectedNode(builder.getState())).toBe("generate_3");
    expect(flow.nodes[0]?.["prompt"]).toBe("{user_input}");
  });

  it("goes into an edge, which leads on from it, and those beyond make room", () => {
    const builder = threeInARow();
    const before = flowNow(builder.getState()).layout ?? {};
    expect(insert(builder, "vote", "generate->generate_2")).toBe("vote");
    const { edges, layout = {} } = flowNow(builder.getState());
    const ways = edges.map(({ from, to }) => `${from} ${to}`).sort();
    expect(ways).toEqual(["generate vote", "generate_2 generate_3", "vote generate_2"]);
    const xs = ["generate", "vote", "generate_2", "generate_3"].map((id) => layout[id]?.x ?? Number.NaN);
    expect(xs.slice(1).every((x, index) => x - (xs[index] ?? 0) > 224)).toBe(true);
    expect(layout["generate"]).toEqual(before["generate"]);
    expect(selectedNode(builder.getState())).toBe("vote");
    builder.getState().undo();
    expect(flowNow(builder.getState()).layout).toEqual(before);
  });

  it("goes into no edge back: the flow would begin with it", () => {
    const builder = threeInARow();
    builder.getState().edit((flow) => ({ ...flow, edges: [...flow.edges, { from: "generate_3", to: "generate", max_rounds: 2 }] }));
    const before = flowNow(builder.getState());
    expect(insert(builder, "vote", "generate_3->generate")).toBe("");
    expect(insert(builder, "vote", "nobody->generate")).toBe("");
    expect(flowNow(builder.getState())).toBe(before);
    builder.getState().select([], ["generate_3->generate"]);
    expect(selectedOpenEdge(builder.getState())).toBeNull();
    builder.getState().select([], ["generate->generate_2"]);
    expect(selectedOpenEdge(builder.getState())).toBe("generate->generate_2");
  });

  it("moves none of those that nobody has placed", () => {
    const nodes = ["a", "b"].map((id) => ({ id, kind: "vote" }));
    const builder = open({ ...empty, nodes, edges: [{ from: "a", to: "b" }] });
    add(builder, { kind: "vote", after: "b" });
    const { layout = {} } = flowNow(builder.getState());
    expect(Object.keys(layout).sort()).toEqual(["a", "b", "vote"]);
    expect(layout["a"]?.x).toBeLessThan(layout["b"]?.x ?? 0);
  });

  it("is undone with its edge and its place", () => {
    const builder = threeInARow();
    builder.getState().undo();
    const flow = flowNow(builder.getState());
    expect([flow.nodes.length, flow.edges.length, Object.keys(flow.layout ?? {}).length]).toEqual([2, 1, 2]);
  });

  it("is none in a flow that cannot be changed", () => {
    const builder = makeBuilder({ flow: empty, etag: null });
    expect(add(builder, { kind: "vote", after: null })).toBe("");
    expect(ids(builder)).toEqual([]);
  });
});

describe("what is selected", () => {
  it("goes, and the node before it is selected", () => {
    const builder = threeInARow();
    removeSelected(builder);
    expect(ids(builder)).toEqual(["generate", "generate_2"]);
    expect(selectedNode(builder.getState())).toBe("generate_2");
    selectAll(builder);
    removeSelected(builder);
    expect(ids(builder)).toEqual([]);
    builder.getState().undo();
    expect(ids(builder)).toEqual(["generate", "generate_2"]);
  });

  it("of edges goes alone", () => {
    const builder = threeInARow();
    builder.getState().select([], ["generate->generate_2"]);
    removeSelected(builder);
    expect(flowNow(builder.getState()).edges).toEqual([{ from: "generate_2", to: "generate_3" }]);
    expect(ids(builder)).toHaveLength(3);
  });

  it("is copied into another flow, and doubled in its own", () => {
    const builder = threeInARow();
    builder.getState().select(["generate", "generate_2"]);
    const text = copySelected(builder) ?? "";
    const other = open();
    expect(pasteText(other, text)).toBe(0);
    expect(flowNow(other.getState()).edges).toEqual([{ from: "generate", to: "generate_2" }]);
    duplicateSelected(builder);
    expect(ids(builder).slice(3)).toEqual(["generate_4", "generate_5"]);
    expect([...builder.getState().selection.nodes]).toEqual(["generate_4", "generate_5"]);
    expect(pasteText(other, "just words")).toBeNull();
  });

  it("is moved by steps that are undone as one", () => {
    const builder = threeInARow();
    const before = flowNow(builder.getState()).layout?.["generate_3"];
    ["right", "right", "down"].forEach((way) => moveSelected(builder, way as "right"));
    const after = flowNow(builder.getState()).layout?.["generate_3"];
    expect([(after?.x ?? 0) - (before?.x ?? 0), (after?.y ?? 0) - (before?.y ?? 0)]).toEqual([32, 16]);
    builder.getState().undo();
    expect(flowNow(builder.getState()).layout?.["generate_3"]).toEqual(before);
  });

  it("is left for what lies beside it", () => {
    const builder = threeInARow();
    go(builder, "left");
    expect(selectedNode(builder.getState())).toBe("generate_2");
    go(builder, "right");
    go(builder, "right");
    expect(selectedNode(builder.getState())).toBe("generate_3");
  });

  it("is left for an edge's own ends", () => {
    const builder = threeInARow();
    for (const [way, end] of [["left", "generate_2"], ["right", "generate_3"]] as const) {
      builder.getState().select([], ["generate_2->generate_3"]);
      go(builder, way);
      expect(selectedNode(builder.getState())).toBe(end);
    }
  });
});

it("everything is put in order, and that can be undone", () => {
  const builder = threeInARow();
  const before = flowNow(builder.getState()).layout;
  moveSelected(builder, "up");
  tidy(builder);
  const places = Object.values(flowNow(builder.getState()).layout ?? {});
  expect(new Set(places.map(({ y }) => y)).size).toBe(1);
  builder.getState().undo();
  builder.getState().undo();
  expect(flowNow(builder.getState()).layout).toEqual(before);
});
