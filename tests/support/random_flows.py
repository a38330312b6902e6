"""Random flows: such as pass the checks, graphs of any shape, and documents with one thing broken."""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.run import NodeOutput
from agent_lab.flows.graph import FlowGraph
from agent_lab.flows.routing import choose_edges, edge_key
from agent_lab.flows.walking import Walking

Document = dict[str, Any]
MODEL = "voice"
NOBODY = "nobody"


@dataclass(slots=True)
class _Builder:
    """Puts a flow together from blocks that each have one way in and one way out."""

    draw: st.DrawFn
    left: int
    nodes: list[Document] = field(default_factory=list)
    edges: list[Document] = field(default_factory=list)

    def node(self) -> str:
        name = f"n{len(self.nodes)}"
        before = [node["id"] for node in self.nodes]
        prompt = "On {user_input}, for the {round}. time."
        if before and self.draw(st.booleans()):
            earlier = self.draw(st.sampled_from(before))
            prompt += f"{{?{earlier}_output}} Somebody said {{{earlier}_output}}.{{/{earlier}_output}}"
        self.nodes.append({"id": name, "kind": "generate", "prompt": prompt, "model": MODEL})
        self.left -= 1
        return name

    def edge(self, source: str, target: str, **more: Any) -> None:
        self.edges.append({"from": source, "to": target, **more})

    def block(self) -> tuple[str, str]:
        """A random block; its first and its last node."""
        shapes: list[Callable[[], tuple[str, str]]] = [self.one]
        if self.left > 0:
            shapes += [self.row, self.fork, self.choice, self.loop]
        return self.draw(st.sampled_from(shapes))()

    def one(self) -> tuple[str, str]:
        node = self.node()
        return node, node

    def row(self) -> tuple[str, str]:
        first, middle = self.block()
        other, last = self.block()
        self.edge(middle, other)
        return first, last

    def fork(self) -> tuple[str, str]:
        first, blocks = self.node(), [self.block() for _ in range(self.draw(st.integers(2, 3)))]
        last = self.node()
        for begin, end in blocks:
            self.edge(first, begin)
            self.edge(end, last)
        return first, last

    def choice(self) -> tuple[str, str]:
        """`when` and `otherwise`, one of several figures, or two opposite conditions; a way may be empty."""
        first, blocks = self.node(), [self.block() for _ in range(self.draw(st.integers(1, 3)))]
        last = self.node()
        opposite = len(blocks) == 2 and self.draw(st.booleans())
        for number, (begin, end) in enumerate(blocks):
            op = ("<", ">=")[number] if opposite else "=="
            self.edge(first, begin, when=tokens(first, op, 1 if opposite else number))
            self.edge(end, last)
        if not opposite:
            self.edge(first, last, otherwise=True)
        return first, last

    def loop(self) -> tuple[str, str]:
        first, judge = self.block()
        last = self.node()
        rounds = self.draw(st.integers(1, 3))
        if self.draw(st.booleans()):
            self.edge(judge, first, when=tokens(judge, ">", 0), max_rounds=rounds)
            self.edge(judge, last, otherwise=True)
        else:  # what is said in each round goes on as well
            self.edge(judge, first, max_rounds=rounds)
            self.edge(judge, last, otherwise=True)
        return first, last


def tokens(node: str, op: str, than: Any) -> Document:
    """A condition on how much a node wrote."""
    return {"value": f"{node}.tokens", "op": op, "than": than}


@st.composite
def checked_flows(draw: st.DrawFn) -> Document:
    """A flow that passes the checks: forks and joins, choices and merges, loops within loops, several starts."""
    builder = _Builder(draw, left=draw(st.integers(0, 12)))
    blocks = [builder.block() for _ in range(draw(st.integers(1, 3)))]
    last = builder.node()
    for _, end in blocks:
        builder.edge(end, last)
    return {
        "id": "random",
        "name": "Random",
        "nodes": builder.nodes,
        "edges": draw(st.permutations(builder.edges)),
        "answer": last,
        "limits": {"max_steps": 10_000},
    }


@st.composite
def any_graphs(draw: st.DrawFn) -> Document:
    """A flow of any shape whose loops are bounded; many do not pass the checks."""
    count = draw(st.integers(1, 7))
    edges: list[Document] = []
    for source in range(count):
        for target in draw(st.lists(st.integers(0, count - 1), max_size=4)):
            name = f"n{source}"
            kinds: list[Document] = [{"when": tokens(name, draw(st.sampled_from(["==", "<", ">="])), 1)}]
            kinds += [{"otherwise": True}, {}, {"when": {"value": f"{name}.visits", "op": ">=", "than": 1}}]
            more = draw(st.sampled_from(kinds)) | ({"max_rounds": 2} if target <= source else {})
            edges.append({"from": name, "to": f"n{target}", **more})
    nodes = [{"id": f"n{i}", "kind": "generate", "prompt": "{user_input}"} for i in range(count)]
    return {"id": "random", "name": "Random", "nodes": nodes, "edges": edges, "limits": {"max_steps": 10_000}}


def walked(flow: FlowConfig, chance: random.Random, most: int = 3_000) -> dict[str, int]:
    """The turns that each node had, once nothing was due any more. Turns end in a random order with random figures."""
    graph = FlowGraph(flow)
    walking, going = Walking(graph), list[str]()
    visits: dict[str, int] = {}
    outputs: dict[str, NodeOutput] = {}
    taken: dict[str, int] = {}
    for _ in range(most):
        for turn in walking.due():
            going.append(turn.node)
            visits[turn.node] = turn.visit
        if not going:
            assert walking.over
            return visits
        node = going.pop(chance.randrange(len(going)))
        outputs[node] = NodeOutput(text="", fields={"tokens": chance.randrange(4)})
        edges = choose_edges(graph, node, outputs, taken, visits)
        targets = list(dict.fromkeys(edge.target for edge in edges))
        for edge in graph.outgoing(node):
            if edge.max_rounds is not None and edge.target in targets:
                taken[edge_key(edge)] = taken.get(edge_key(edge), 0) + 1
        walking.end(node, targets)
    raise AssertionError(f"{most} turns were not enough")


Breaker = Callable[[Document], bool]
"""Breaks one thing of a document; False where the document has nothing of that kind."""


def _node(document: Document, **changes: Any) -> bool:
    document["nodes"][-1].update(changes)
    return True


def _edge(document: Document, **changes: Any) -> bool:
    document["edges"][-1].update(changes)
    return True


def _add_edge(document: Document, **edge: Any) -> bool:
    document["edges"].append(edge)
    return True


def _twice(document: Document, part: str) -> bool:
    document[part].append(copy.deepcopy(document[part][0]))
    return True


def _unbounded(document: Document) -> bool:
    back = [edge for edge in document["edges"] if "max_rounds" in edge]
    for edge in back[:1]:
        del edge["max_rounds"]
    return bool(back)


def _bounded_forward(document: Document) -> bool:
    return _add_edge(document, **{"from": document["nodes"][0]["id"], "to": "end_of_all"}, max_rounds=1) and bool(
        document["nodes"].append({"id": "end_of_all", "kind": "summary"}) or True
    )


def _starved(document: Document) -> bool:
    """One more source of a join, which a condition may leave out."""
    document["nodes"] += [{"id": "asked", "kind": "generate", "prompt": "x"}, {"id": "maybe", "kind": "summary"}]
    _add_edge(document, **{"from": "asked", "to": "maybe", "when": tokens("asked", ">", 2)})
    return _add_edge(document, **{"from": "maybe", "to": document["answer"]})


def _case(document: Document, **changes: Any) -> bool:
    case = {"name": "c", "prompt": "p", "expect": [{"value": "answer", "op": "!=", "than": ""}], **changes}
    document["tests"] = [case]
    return True


BREAKERS: dict[str, Breaker] = {
    "no node kind": lambda d: _node(d, kind="generat"),
    "no model": lambda d: _node(d, model="voise"),
    "no strategy": lambda d: _node(d, strategy="standart"),
    "not a field": lambda d: _node(d, promt="x"),
    "is missing": lambda d: bool(d["nodes"][-1].pop("prompt")),
    "is no name that": lambda d: _node(d, prompt="{nobody_output}"),
    "has not run on every path": lambda d: _node(d, prompt=f"{{{d['answer']}_output}}"),
    "no field 'weight'": lambda d: _node(d, prompt=f"{{{d['nodes'][0]['id']}.weight}}"),
    "character": lambda d: _node(d, prompt="{"),
    "Two nodes": lambda d: _twice(d, "nodes"),
    "there twice": lambda d: _twice(d, "edges"),
    "no node 'nobody'": lambda d: _edge(d, to=NOBODY),
    "beside no condition": lambda d: _add_edge(d, **{"from": d["answer"], "to": d["answer"], "otherwise": True}),
    "has no bound": _unbounded,
    "take it out": _bounded_forward,
    "waits for": _starved,
    "compares with a number": lambda d: _edge(d, when=tokens(d["edges"][-1]["from"], "<", None)),
    "at least": lambda d: bool(d.update(limits={"max_steps": 1}) or True),
    "There is no node 'nobody'": lambda d: bool(d.update(answer=NOBODY) or True),
    "there is no node 'nobody'": lambda d: _node(d, prompt="{nobody.tokens}"),
    "a meaning of its own": lambda d: bool(d.update(inputs={"user_input": {}, "round": {"default": "1"}}) or True),
    "names no `draft`": lambda d: _case(d, expect=[{"value": "draft", "op": "==", "than": ""}]),
    "no input 'colour'": lambda d: _case(d, inputs={"colour": "red"}),
    "no node or role 'nobody'": lambda d: _case(d, answers={"nobody": "x"}),
    "no field 'weight'; ": lambda d: _case(d, expect=[{"value": f"{d['answer']}.weight", "op": "==", "than": 1}]),
}
"""By a part of the sentence that tells of it."""
