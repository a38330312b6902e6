"""A flow's answer is sent while it is spoken only where nothing else can become the answer."""

import pytest

from agent_lab.compat.flow_models import _Said, certain_voice
from agent_lab.contracts.errors import BrokenOffError
from agent_lab.contracts.flow import FlowConfig
from support.flows import library_document

SPEAKING = {"kind": "generate", "prompt": "{user_input}"}


def flow(edges: list[str], *, answer: str | None = None, back: str = "") -> FlowConfig:
    """A flow of edges such as "ab"; `back` leads back, in one round."""
    names = sorted({name for edge in [*edges, back] for name in edge})
    drawn = [{"from": edge[0], "to": edge[1]} for edge in edges]
    if back:
        drawn += [{"from": back[0], "to": back[1], "max_rounds": 1}]
    nodes = [{"id": name} | SPEAKING for name in names]
    return FlowConfig.model_validate({"id": "x", "name": "x", "nodes": nodes, "edges": drawn, "answer": answer})


@pytest.mark.parametrize(
    ("document", "voice"),
    [
        (flow(["ab", "bc"], answer="c"), "c"),
        (flow(["ab", "bc"]), "c"),
        (flow(["ab", "bc"], answer="b"), "b"),
        (flow(["ab", "ac", "bd", "cd"]), "d"),
        (flow(["ab", "ac"]), None),  # either may end last
        (flow(["ab", "bc"], answer="b", back="ba"), None),  # b may speak again
        (flow(["ab", "bc"], answer="c", back="ba"), None),  # and then c
        (FlowConfig.model_validate(library_document("challenge")), "refiner"),
        (FlowConfig.model_validate(library_document("linear")), None),  # a validator keeps the best try
    ],
)
def test_the_voice_is_certain_only_where_it_speaks_once_and_its_words_are_the_answer(
    document: FlowConfig, voice: str | None
) -> None:
    assert certain_voice(document) == voice


def test_a_voice_that_begins_again_is_heard_where_it_repeats_itself_and_goes_on() -> None:
    said = _Said()
    assert [said.more(0, "It "), said.more(3, "is ")] == ["It ", "is "]
    assert [said.more(0, "It"), said.more(2, " is 4"), said.more(7, "2")] == ["", "4", "2"]
    assert said.text == "It is 42"


def test_a_voice_that_begins_again_with_other_words_breaks_the_answer() -> None:
    said = _Said()
    said.more(0, "It is")
    said.more(0, "It ")
    with pytest.raises(BrokenOffError):
        said.more(3, "was")
