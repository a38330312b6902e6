"""What sentences of refusals and failures tell beside their English text, so that pages say them in Spanish."""

import pickle

import pytest

from agent_lab.contracts.errors import AgentLabError, ProblemsError, ValidationError
from agent_lab.contracts.evaluation import Item
from agent_lab.contracts.registry import ModelSpec, ProviderSpec
from agent_lab.contracts.sentences import Sentence, Told, told_of
from agent_lab.evaluation.importing.reading import read_answers
from agent_lab.lab.problems import problem_of
from agent_lab.providers.hosted.errors import Callee
from agent_lab.providers.local.residency.state import NoRoom
from agent_lab.providers.local.residency.words import refusal
from agent_lab.storage.rules import unknown_run

HOST = ProviderSpec(key="acme", kind="openai_compatible", base_url="https://acme.test/v1", key_env="ACME_API_KEY")
MODEL = ModelSpec(key="big", name="Big", provider="acme", model_id="acme/big", context_window=1000)
CALLEE = Callee(provider=HOST, model=MODEL, secret="")
ITEMS = (Item(id="a", input="1 + 1?"), Item(id="b", input="2 + 2?"))
GB = 1_000_000_000


def told(error: AgentLabError) -> Told:
    found = told_of(error.message)
    assert found is not None, error.message
    return found


def test_a_problem_document_tells_what_its_sentence_says() -> None:
    problem = problem_of(unknown_run("r-1"), "request-1")
    assert problem.detail == "There is no run 'r-1'; the list of runs shows those that there are."
    assert problem.said == Told("no_run", {"run": "r-1"})
    assert problem.model_dump(mode="json")["said"] == {"code": "no_run", "values": {"run": "r-1"}}


def test_a_vendors_own_words_are_a_value_of_the_sentence_about_them() -> None:
    error = CALLEE.refused(413, {"error": {"message": "Too many words."}})
    assert (
        str(error) == "The question is too long for 'big' (Too many words); shorten it or use a model that reads more."
    )
    assert told(error) == Told("question_too_long", {"model": "big", "words": " (Too many words)"})
    assert told(CALLEE.unreadable()).values["why"] == Told("piece_unreadable")


def test_each_line_of_a_file_that_does_not_fit_is_told_with_its_place() -> None:
    raw = b'{"id": "a", "answer": "2"}\n[1]\n{"id": }\n'
    with pytest.raises(ProblemsError) as caught:
        read_answers(raw, name="mine", items=ITEMS)
    (first, sentence), (_, broken) = caught.value.problems
    assert first == "/2"
    assert isinstance(sentence, Sentence)
    assert isinstance(broken, Sentence)
    assert sentence.told == Told("at_row", {"unit": "line", "number": 2, "problem": Told("row_no_object")})
    assert broken == "line 3: it is not valid JSON at column 8: Expecting value."
    assert broken.told.values["problem"] == Told("row_no_json", {"column": 8, "reason": "Expecting value"})
    whole = told(caught.value)
    assert whole.code == "file_has_problems"
    assert whole.values["what"] == Told("file_named", {"name": "mine"})
    assert whole.values["lines"] == (sentence.told, broken.told)


def test_what_an_import_warns_of_is_told_too() -> None:
    found = read_answers(b'{"id": "a", "answer": "2"}\n', name="mine", arm="mine", items=ITEMS)
    (warning,) = found.warnings
    assert warning == "mine: 1 of 2 answers are missing and count as wrong (b)."
    assert told_of(warning) == Told("answers_missing", {"arm": "mine", "missing": 1, "count": 2, "names": "b"})


def test_what_would_help_a_model_that_does_not_fit_is_told_one_by_one() -> None:
    error = refusal(NoRoom(why="never", need_bytes=9 * GB, room_bytes=2 * GB), "large", None, ("demo",))
    assert isinstance(error, AgentLabError)
    assert "Unpin 'demo', raise MAX_VRAM_USAGE_GB or use a smaller model." in error.message
    advice = told(error).values["advice"]
    assert isinstance(advice, Told)
    assert advice.values["ways"] == (Told("unpin_either", {"either": ("demo",)}), Told("raise_memory"))
    assert advice.values["last"] == Told("smaller_model")


def test_what_a_sentence_says_comes_through_from_another_process() -> None:
    sent = CALLEE.broke_off("why not")
    back = pickle.loads(pickle.dumps(sent, protocol=pickle.HIGHEST_PROTOCOL))
    assert isinstance(back, AgentLabError)
    assert not isinstance(back, ValidationError)
    assert told(back) == told(sent)
