"""What changed between two documents is told whole, whatever their shape, and never takes long."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.flows.difference import difference, difference_text
from support.flows import library_document

LINEAR: dict[str, Any] = {
    "id": "two",
    "name": "Two",
    "limits": {"max_steps": 50},
    "nodes": [
        {
            "id": "a",
            "kind": "generate",
            "prompt": "Say what {user_input} asks.\nThen answer it.",
            "temperature": 0.2,
        },
        {"id": "b", "kind": "generate", "prompt": "Improve {a_output}"},
    ],
    "edges": [{"from": "a", "to": "b"}],
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
odd_documents = st.fixed_dictionaries({}, optional=dict.fromkeys(("nodes", "edges", "notes", "name"), json_values))


def changed(**more: Any) -> dict[str, Any]:
    return LINEAR | more


def test_the_same_document_has_no_difference() -> None:
    found = difference(LINEAR, dict(reversed(LINEAR.items())))
    assert found.is_empty
    assert difference_text(found) == "Nothing changed."


def test_fields_outside_of_nodes_are_told_one_by_one() -> None:
    found = difference(LINEAR, changed(name="Three", limits={"max_steps": 60}, inputs={"tone": {}}))
    told = {change.path: (change.before, change.after) for change in found.changes}
    assert told == {"/name": ("Two", "Three"), "/limits/max_steps": (50, 60), "/inputs": (None, {"tone": {}})}
    assert "limits/max_steps: 50 → 60" in difference_text(found)


def test_where_nodes_are_drawn_is_one_line() -> None:
    drawn = changed(layout={"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 4}})
    moved = changed(layout={"a": {"x": 1, "y": 2}, "b": {"x": 30, "y": 40}})
    for before, after in ((LINEAR, drawn), (drawn, moved), (moved, LINEAR)):
        found = difference(before, after)
        assert (found.layout, found.changes, found.is_empty) == (True, (), False)
        assert difference_text(found) == "~ layout"
    assert difference(drawn, drawn).is_empty
    assert difference(LINEAR, changed(layout={})).is_empty


def test_what_notes_say_is_told_and_where_they_stand_is_layout() -> None:
    note = {"text": "Why two?", "x": 0, "y": 0}
    added = difference(LINEAR, changed(notes={"why": note}))
    assert [(one.path, one.before, one.after) for one in added.changes] == [("/notes/why/text", None, "Why two?")]
    assert not added.layout
    moved = difference(changed(notes={"why": note}), changed(notes={"why": note | {"x": 50, "tone": "warn"}}))
    assert (moved.layout, moved.changes) == (True, ())
    reworded = difference(changed(notes={"why": note}), changed(notes={"why": note | {"text": "Why three?"}}))
    assert (reworded.layout, difference_text(reworded)) == (False, 'notes/why/text: "Why two?" → "Why three?"')
    gone = difference(changed(notes={"why": note}), LINEAR)
    assert [(one.path, one.after) for one in gone.changes] == [("/notes/why/text", None)]
    assert difference(LINEAR, changed(notes={})).is_empty
    odd = difference(changed(notes={"why": note}), changed(notes=["why"]))
    assert "/notes" in {one.path for one in odd.changes}


def test_nodes_are_known_by_their_id() -> None:
    first = LINEAR["nodes"][0]
    found = difference(LINEAR, changed(nodes=[first | {"temperature": 0.9}, {"id": "c", "kind": "vote"}]))
    assert (found.nodes_added, found.nodes_removed) == (("c",), ("b",))
    assert [node.id for node in found.nodes_changed] == ["a"]
    assert [change.path for change in found.nodes_changed[0].changes] == ["/temperature"]
    text = difference_text(found)
    assert "- node b\n+ node c\n~ node a\n    temperature: 0.2 → 0.9" in text
    assert found == difference(LINEAR, changed(nodes=[{"id": "c", "kind": "vote"}, first | {"temperature": 0.9}]))


def test_the_order_of_nodes_is_a_change_of_its_own() -> None:
    found = difference(LINEAR, changed(nodes=LINEAR["nodes"][::-1]))
    assert [(change.path, change.after) for change in found.changes] == [("/nodes", ["b", "a"])]


def test_texts_are_compared_line_by_line() -> None:
    first, second = LINEAR["nodes"]
    new = first | {"prompt": "Say what {user_input} asks.\nThen answer in one sentence."}
    change = difference(LINEAR, changed(nodes=[new, second])).nodes_changed[0].changes[0]
    assert change.text is not None
    assert change.text.splitlines()[1:] == [
        " Say what {user_input} asks.",
        "-Then answer it.",
        "+Then answer in one sentence.",
    ]


def test_each_language_of_a_prompt_is_a_text_of_its_own() -> None:
    def says(spanish: str) -> dict[str, Any]:
        return changed(nodes=[{"id": "a", "kind": "generate", "prompt": {"en": "Answer {user_input}", "es": spanish}}])

    changes = difference(says("Responde"), says("Contesta")).nodes_changed[0].changes
    assert [change.path for change in changes] == ["/prompt/es"]


def test_edges_are_told_with_all_that_they_say() -> None:
    edge = {"from": "a", "to": "b", "when": {"value": "a.tokens", "op": ">", "than": 5}}
    found = difference(LINEAR, changed(edges=[edge]))
    assert (found.edges_removed, found.edges_added) == (({"from": "a", "to": "b"},), (edge,))
    assert '+ edge a → b, when {"value": "a.tokens", "op": ">", "than": 5}' in difference_text(found)


def test_one_of_two_edges_that_say_the_same_is_told_when_it_goes() -> None:
    edge = {"from": "a", "to": "b"}
    assert difference(changed(edges=[edge, edge]), changed(edges=[edge])).edges_removed == (edge,)


def test_a_true_that_was_a_one_is_a_change() -> None:
    assert [c.path for c in difference({"x": 1}, {"x": True}).changes] == ["/x"]


def test_nodes_without_an_id_or_with_one_twice_are_known_by_their_place() -> None:
    before = {"nodes": [{"id": "a"}, {"id": "a"}, 7, {"id": ["x"]}]}
    found = difference(before, {"nodes": [{"id": "a"}]})
    assert found.nodes_removed == ("#1", "#2", "#3")


@given(odd_documents, odd_documents)
@settings(max_examples=200, deadline=None)
def test_documents_of_any_shape_are_compared(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = difference(before, after)
    assert found.model_dump_json()
    assert difference_text(found)
    assert difference(before, before).is_empty


def test_long_documents_take_seconds_at_the_most() -> None:
    nodes = [{"id": f"n{i}", "kind": "generate", "prompt": f"Say {i} in {{user_input}}\n" * 8} for i in range(10_000)]
    other = [node | {"prompt": str(node["prompt"]).replace("Say", "Tell")} for node in nodes]
    hard = "\n".join("ab"[i % 2] for i in range(100_000))
    begun = time.process_time()
    found = difference({"nodes": nodes, "name": hard}, {"nodes": other, "name": hard[1:]})
    assert len(found.nodes_changed) == 10_000
    assert found.changes[0].text is None
    assert time.process_time() - begun < 20


def test_the_worst_text_that_is_compared_takes_little() -> None:
    before = "\n".join(str(i % 97) for i in range(1_000))
    after = "\n".join(str(i % 89) for i in range(1_000))
    begun = time.process_time()
    assert difference({"name": before}, {"name": after}).changes[0].text
    assert time.process_time() - begun < 5


def test_a_library_flow_and_its_changed_copy_differ_where_they_were_changed() -> None:
    ours = library_document("challenge")
    ours["nodes"][0]["temperature"] = 0.123
    found = difference(library_document("challenge"), ours)
    assert len(difference_text(found).splitlines()) == 2
