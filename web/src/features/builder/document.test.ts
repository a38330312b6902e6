import { describe, expect, it } from "vitest";
import {
  addNode,
  changeEdge,
  changeFlow,
  changeNode,
  closesLoop,
  connect,
  edgeIds,
  edgeOf,
  freeId,
  insertInto,
  moveNodes,
  readDocument,
  removeEdges,
  removeNodes,
  sameDocument,
  slug,
  type FlowDoc,
} from "./document";

const challenge: FlowDoc = {
  id: "mine",
  name: "Mine",
  nodes: ["creator", "challenger", "refiner"].map((id) => ({ id, kind: "generate", prompt: "{user_input}" })),
  edges: [
    { from: "creator", to: "challenger" },
    { from: "challenger", to: "refiner" },
  ],
  draft: "creator",
  answer: "refiner",
  layout: { creator: { x: 0, y: 0 }, refiner: { x: 500, y: 0 } },
};

describe("a document from elsewhere", () => {
  it("is taken where its nodes and edges can be drawn, whatever else is wrong with it", () => {
    expect(readDocument({ id: "x", nodes: [{ id: "a", kind: "nonsense", model: 5 }] })).toEqual({
      id: "x",
      name: "x",
      nodes: [{ id: "a", kind: "nonsense", model: 5 }],
      edges: [],
    });
    expect(readDocument(challenge)).toEqual(challenge);
  });

  it.each([null, 5, [], {}, { id: 5 }, { id: "x", nodes: {} }, { id: "x", nodes: [{ id: "a" }] }, { id: "x", edges: [{}] }])(
    "is not taken where they cannot: %j",
    (document) => expect(readDocument(document)).toBeNull(),
  );

  it("is not taken with two nodes of one id: an edit would change both", () => {
    expect(readDocument({ id: "x", nodes: [{ id: "a", kind: "vote" }, { id: "a", kind: "vote" }] })).toBeNull();
  });
});

describe("names", () => {
  it("are made of what people write", () => {
    expect(slug("Größte Änderung: 2. Versuch")).toBe("gro_te_anderung_2_versuch");
    expect(slug("¿Qué pasó?")).toBe("que_paso");
    expect(slug("日本")).toBe("");
    expect(slug("x".repeat(100))).toHaveLength(64);
  });

  it("count on where they are taken", () => {
    expect(freeId(new Set(), "Generate")).toBe("generate");
    expect(freeId(new Set(["generate", "generate_2"]), "generate")).toBe("generate_3");
    expect(freeId(new Set(["generate_2"]), "generate_2")).toBe("generate_3");
    expect(freeId(new Set(), "¡!")).toBe("node");
  });
});

describe("edges", () => {
  it("have ids that stay when others go", () => {
    const edges = [
      { from: "a", to: "b" },
      { from: "a", to: "c" },
      { from: "a", to: "b", max_rounds: 2 },
    ];
    expect(edgeIds(edges)).toEqual(["a->b", "a->c", "a->b#2"]);
    expect(edgeIds(edges.toSpliced(1, 1))).toEqual(["a->b", "a->b#2"]);
  });

  it("that lead back get a bound, others none", () => {
    const back = connect(challenge, "refiner", "challenger");
    expect(edgeOf(back, "refiner->challenger")).toEqual({ from: "refiner", to: "challenger", max_rounds: 3 });
    const itself = connect(challenge, "creator", "creator");
    expect(edgeOf(itself, "creator->creator")?.max_rounds).toBe(3);
    expect(edgeOf(connect(challenge, "creator", "refiner"), "creator->refiner")).toEqual({ from: "creator", to: "refiner" });
  });

  it("are made once, and only between nodes that are there", () => {
    expect(connect(challenge, "creator", "challenger")).toBe(challenge);
    expect(connect(challenge, "creator", "nobody")).toBe(challenge);
  });

  it("back do not count when a loop is looked for", () => {
    const looped = connect(challenge, "refiner", "creator");
    expect(closesLoop(looped, "creator", "refiner")).toBe(false);
    expect(closesLoop(looped, "refiner", "challenger")).toBe(true);
  });

  it("take a node into their middle and keep their condition", () => {
    const when = { value: "creator.tokens", op: ">", than: 5 };
    const flow = addNode(changeEdge(challenge, "creator->challenger", { when }), { id: "ok", kind: "human" });
    const { edges } = insertInto(flow, "creator->challenger", "ok");
    expect(edges).toEqual([
      { from: "creator", to: "ok", when },
      { from: "challenger", to: "refiner" },
      { from: "ok", to: "challenger" },
    ]);
  });

  it("lose what is set to nothing", () => {
    const bound = changeEdge(challenge, "creator->challenger", { max_rounds: 2, otherwise: true });
    expect(changeEdge(bound, "creator->challenger", { max_rounds: undefined }).edges[0]).toEqual({
      from: "creator",
      to: "challenger",
      otherwise: true,
    });
    expect(removeEdges(challenge, new Set(["creator->challenger"])).edges).toHaveLength(1);
    expect(removeEdges(challenge, new Set(["nobody"]))).toBe(challenge);
  });
});

describe("nodes", () => {
  it("go with their edges, their place, and what names them", () => {
    const left = removeNodes(challenge, new Set(["refiner"]));
    expect(left.nodes.map(({ id }) => id)).toEqual(["creator", "challenger"]);
    expect(left.edges).toEqual([{ from: "creator", to: "challenger" }]);
    expect(left.layout).toEqual({ creator: { x: 0, y: 0 } });
    expect([left.draft, "answer" in left]).toEqual(["creator", false]);
    expect(removeNodes(challenge, new Set(["nobody"]))).toBe(challenge);
  });

  it("share what an edit does not touch", () => {
    const edited = changeNode(challenge, "creator", { temperature: 0.2 });
    expect(edited.nodes[0]).toMatchObject({ id: "creator", temperature: 0.2 });
    expect(edited.nodes[1]).toBe(challenge.nodes[1]);
    expect(edited.edges).toBe(challenge.edges);
    expect(changeNode(edited, "creator", { temperature: undefined }).nodes[0]).toEqual(challenge.nodes[0]);
  });

  it("stand on whole numbers that the server takes", () => {
    const moved = moveNodes(challenge, { creator: { x: 1.6, y: -5e9 } });
    expect(moved.layout).toEqual({ creator: { x: 2, y: -1e6 }, refiner: { x: 500, y: 0 } });
  });
});

it("the flow's own fields are set and taken away", () => {
  const limited = changeFlow(challenge, { limits: { max_steps: 9 }, draft: undefined });
  expect([limited.limits, "draft" in limited]).toEqual([{ max_steps: 9 }, false]);
});

it("documents are the same whatever the order of their fields", () => {
  expect(sameDocument(challenge, { ...Object.fromEntries(Object.entries(challenge).reverse()) })).toBe(true);
  expect(sameDocument(challenge, { ...challenge, nodes: challenge.nodes.toReversed() })).toBe(false);
  expect(sameDocument({ a: undefined }, { b: undefined })).toBe(false);
  expect(sameDocument({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toBe(true);
});
