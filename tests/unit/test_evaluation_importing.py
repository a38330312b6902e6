import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import ProblemsError, ValidationError
from agent_lab.contracts.evaluation import Item
from agent_lab.evaluation.importing.reading import ImportedAnswer, disagreement, read_answers
from support.answer_files import ARMS, wide_file

ITEMS = (
    Item(id="a", input="What is 1+1?", target="2"),
    Item(id="b", input="What is 2+2?", target="4", columns={"level": "easy"}),
    Item(id="c", input="What is 3+3?", target="6"),
)


def lines(*rows: object) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def answers_of(imported, arm: str = "imported") -> list[tuple[str, int, str | None]]:
    return [(one.item, one.sample, one.answer) for one in imported.answers[arm]]


def test_a_row_for_each_answer_with_all_its_figures():
    raw = lines(
        {"id": "b", "answer": 4, "cost_usd": 0.001, "prompt_tokens": 12, "completion_tokens": "3", "seconds": 1.5},
        {"id": "a", "answer": "2", "is_correct": True},
        {"id": "c", "answer": None},
    )
    imported = read_answers(raw, name="f", items=ITEMS, arm="mine")
    assert answers_of(imported, "mine") == [("a", 0, "2"), ("b", 0, "4"), ("c", 0, None)]
    assert imported.answers["mine"][1] == ImportedAnswer(
        item="b", answer="4", cost_usd=Decimal("0.001"), prompt_tokens=12, completion_tokens=3, seconds=1.5
    )
    assert imported.answers["mine"][0].right is True
    assert imported.warnings == ("mine: 1 of 3 answers are missing and count as wrong (c).",)


def test_arms_and_samples_in_rows():
    raw = lines(*(
        {"model": arm, "id": item, "sample": sample, "output": f"{arm}{item}{sample}"}
        for arm in ("x", "y")
        for item in "abc"
        for sample in (1, 0)
    ))  # fmt: skip
    imported = read_answers(raw, name="f", items=ITEMS)
    assert imported.samples == 2
    assert answers_of(imported, "y")[:3] == [("a", 0, "ya0"), ("a", 1, "ya1"), ("b", 0, "yb0")]
    assert list(imported.answers) == ["x", "y"]


def test_answers_find_their_items_by_question():
    raw = lines(*({"question": f" what IS {n}+{n}?", "answer": str(2 * n)} for n in (3, 1, 2)))
    assert answers_of(read_answers(raw, name="f", items=ITEMS)) == [("a", 0, "2"), ("b", 0, "4"), ("c", 0, "6")]


def test_foreign_ids_do_not_hide_known_questions():
    raw = lines(*({"id": 10 + n, "question": f"What is {n}+{n}?", "answer": n} for n in (3, 1, 2)))
    imported = read_answers(raw, name="f", items=ITEMS)
    assert answers_of(imported) == [("a", 0, "1"), ("b", 0, "2"), ("c", 0, "3")]
    assert "found their items by question" in imported.warnings[0]


def test_without_ids_the_order_tells_and_that_is_said():
    imported = read_answers(lines(*({"answer": n} for n in (2, 4, 6))), name="f", items=ITEMS)
    assert answers_of(imported) == [("a", 0, "2"), ("b", 0, "4"), ("c", 0, "6")]
    assert imported.warnings == (
        "The file has no ids and no question of the dataset; its answers belong to the items by order.",
    )
    with pytest.raises(ValidationError, match="2 answers without ids, and there are 3 items"):
        read_answers(lines({"answer": 2}, {"answer": 4}), name="f", items=ITEMS)


def test_ids_of_another_dataset_are_told_in_one_sentence():
    with pytest.raises(ValidationError, match="the file has 'x1' and the dataset 'a'"):
        read_answers(lines({"id": "x1", "answer": 1}, {"id": "x2", "answer": 1}), name="f", items=ITEMS)


def test_a_table_with_a_column_for_each_arm():
    raw = b"id,question,target,level,first,first.cost_usd,first_is_correct,second\n" + b"\n".join((
        b'a,x,2,easy,"The answer is 2.",0.5,true,3',
        b"b,x,4,easy,4,0.25,no,",
        b"c,x,6,hard,7,,,6",
    ))  # fmt: skip
    imported = read_answers(raw, name="f", items=ITEMS)
    assert list(imported.answers) == ["first", "second"]
    first, second = imported.answers["first"], imported.answers["second"]
    assert [(one.answer, one.cost_usd, one.right) for one in first] == [
        ("The answer is 2.", Decimal("0.5"), True),
        ("4", Decimal("0.25"), False),
        ("7", None, None),
    ]
    assert [one.answer for one in second] == ["3", None, "6"]
    assert imported.warnings == ("second: 1 of 3 answers are missing and count as wrong (b).",)


@pytest.mark.parametrize("items", [ITEMS, None])
def test_a_column_of_right_answers_beside_the_arms_is_no_arm(items: tuple[Item, ...] | None):
    raw = b"question,answer,gpt,claude\nWhat is 1+1?,2,2,3\nWhat is 2+2?,4,5,4\nWhat is 3+3?,6,6,6\n"
    imported = read_answers(raw, name="f", items=items)
    assert list(imported.answers) == ["gpt", "claude"]
    assert [one.answer for one in imported.answers["gpt"]] == ["2", "5", "6"]
    if imported.dataset is not None:
        assert [(item.target, item.columns) for item in imported.dataset.items] == [("2", {}), ("4", {}), ("6", {})]


@pytest.mark.parametrize("extra", [{}, {"model": "m"}, {"level": "easy"}, {"seconds": 1}])
def test_answers_that_are_all_right_are_still_answers(extra: dict[str, object]):
    raw = lines(*({"id": item.id, "answer": item.target, **extra} for item in ITEMS))
    imported = read_answers(raw, name="f", items=ITEMS, arm="m")
    assert answers_of(imported, "m") == [("a", 0, "2"), ("b", 0, "4"), ("c", 0, "6")]


def test_samples_that_are_numbered_from_one_are_all_there():
    rows = [{"id": f"q{n}", "sample": sample, "output": "r"} for n in (1, 2) for sample in (1, 2, 3)]
    found = read_answers(lines(*rows), name="f", items=[Item(id=f"q{n}", input="?", target="r") for n in (1, 2)])
    assert found.samples == 3
    assert found.warnings == ()
    assert [one.sample for one in found.answers["imported"]] == [0, 1, 2, 0, 1, 2]


def test_a_list_of_answers_is_a_sample_each_and_its_cost_is_counted_once():
    raw = lines(*({"id": item, "outputs": ["x", "y"], "cost_usd": 1, "is_correct": [True, False]} for item in "abc"))
    imported = read_answers(raw, name="f", items=ITEMS)
    assert answers_of(imported)[:2] == [("a", 0, "x"), ("a", 1, "y")]
    assert [(one.cost_usd, one.right) for one in imported.answers["imported"][:2]] == [
        (Decimal(1), True),
        (Decimal(0), False),
    ]
    nested = lines(*({"id": item, "mine": {"solutions": ["x", "y"]}} for item in "abc"))
    assert read_answers(nested, name="f", items=ITEMS).samples == 2


def test_the_columns_that_are_arms_can_be_named():
    raw = b"id,answer,text\na,1,x\nb,1,y\nc,1,z\n"
    imported = read_answers(raw, name="f", items=ITEMS, arms=("text",))
    assert answers_of(imported, "text") == [("a", 0, "x"), ("b", 0, "y"), ("c", 0, "z")]
    with pytest.raises(ValidationError, match="did you mean 'text'"):
        read_answers(raw, name="f", items=ITEMS, arms=("texts",))


def test_objects_in_a_row_are_arms_and_the_questions_make_the_dataset():
    imported = read_answers(wide_file(200), name="answers.jsonl")
    assert imported.dataset is not None
    assert (imported.dataset.info.items, imported.dataset.info.columns) == (200, ("solution",))
    assert imported.warnings == ()
    assert {arm: len(given) for arm, given in imported.answers.items()} == dict.fromkeys(ARMS, 200)
    assert {one.right for one in imported.answers["6b_finetuning"]} == {True, False}
    again = read_answers(wide_file(200), name="answers.jsonl", items=imported.dataset.items)
    assert again.answers == imported.answers


def test_several_samples_of_a_question_are_one_item_of_the_dataset():
    raw = lines(
        *(
            {"question": f"q{n}", "target": str(n), "sample": sample, "response": "r"}
            for n in (1, 2)
            for sample in (0, 1)
        )
    )
    imported = read_answers(raw, name="f")
    assert imported.dataset is not None
    assert [(item.input, item.target) for item in imported.dataset.items] == [("q1", "1"), ("q2", "2")]
    assert (imported.samples, len(imported.answers["imported"])) == (2, 4)


def test_all_that_does_not_fit_is_told_at_once():
    raw = lines(
        {"id": "a", "answer": 1},
        {"id": "a", "answer": 2},
        {"id": "z", "answer": 3},
        {"answer": 4},
        {"id": "b", "answer": 5},
    )
    with pytest.raises(ProblemsError) as refused:
        read_answers(raw, name="f", items=ITEMS)
    told = dict(refused.value.problems)
    assert list(told) == ["/2", "/3", "/4"]
    assert "has answered 'a' before" in told["/2"]
    assert "no item 'z'" in told["/3"]
    assert "no id" in told["/4"]


def test_figures_that_are_none_are_told():
    raw = lines(
        {"id": "a", "answer": 1, "cost_usd": -1}, {"id": "b", "answer": 1, "prompt_tokens": "many", "seconds": True}
    )
    with pytest.raises(ProblemsError) as refused:
        read_answers(raw, name="f", items=ITEMS)
    assert [place for place, _ in refused.value.problems] == ["/1", "/2", "/2"]


def test_samples_of_lm_evaluation_harness():
    rows = [
        {
            "doc_id": place,
            "doc": {"question": f"What is {n}+{n}?", "answer": f"#### {2 * n}"},
            "target": str(2 * n),
            "arguments": {"gen_args_0": {"arg_0": "Q: ..."}},
            "resps": [[f"so {2 * n}"]],
            "filtered_resps": [f"{2 * n}"],
            "filter": name,
            "metrics": ["exact_match"],
            "exact_match": 1.0,
        }
        for place, n in enumerate((2, 3))
        for name in ("strict-match", "flexible-extract")
    ]
    imported = read_answers(lines(*rows), name="samples.jsonl", items=ITEMS, arm="llama")
    assert answers_of(imported, "llama") == [("a", 0, None), ("b", 0, "so 4"), ("c", 0, "so 6")]
    assert imported.answers["llama"][1].right is True
    own = read_answers(lines(*rows), name="samples.jsonl").dataset
    assert own is not None
    assert [(item.id, item.input, item.target) for item in own.items] == [
        ("0", "What is 2+2?", "4"),
        ("1", "What is 3+3?", "6"),
    ]


def test_samples_without_a_text_are_refused():
    row = {"doc_id": 0, "doc": {"query": "x"}, "target": 1, "resps": [[[-1.5, False]], [[-0.5, True]]]}
    with pytest.raises(ProblemsError, match="only generated answers count"):
        read_answers(lines(row), name="samples.jsonl", items=ITEMS)


def test_a_log_of_inspect_ai():
    log = {
        "version": 2,
        "status": "success",
        "eval": {"task": "sums", "model": "openai/gpt-x"},
        "samples": [
            {
                "id": 1,
                "epoch": epoch,
                "input": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": [{"type": "text", "text": "1+1?"}]},
                ],
                "target": ["2"],
                "output": {"choices": [{"message": {"role": "assistant", "content": "It is 2."}}]},
                "scores": {"match": {"value": "C", "answer": "2"}},
                "model_usage": {"openai/gpt-x": {"input_tokens": 20, "output_tokens": 5, "total_tokens": 25}},
                "total_time": 1.25,
            }
            for epoch in (1, 2)
        ]
        + [
            {
                "id": 2,
                "epoch": 1,
                "input": "2+2?",
                "target": "4",
                "output": {"completion": "x"},
                "error": {"message": "e"},
            }
        ],
    }
    imported = read_answers(json.dumps(log, indent=2).encode(), name="log.json")
    assert imported.dataset is not None
    assert [(item.id, item.input, item.target) for item in imported.dataset.items] == [
        ("1", "1+1?", "2"),
        ("2", "2+2?", "4"),
    ]
    first = imported.answers["openai/gpt-x"][1]
    assert (first.sample, first.answer, first.right) == (1, "It is 2.", True)
    assert (first.prompt_tokens, first.completion_tokens, first.seconds) == (20, 5, 1.25)
    assert answers_of(imported, "openai/gpt-x")[2:] == [("2", 0, None), ("2", 1, None)]


def test_a_file_without_answers_is_refused():
    with pytest.raises(ValidationError, match="No column holds answers"):
        read_answers(lines({"id": "a", "question": "x"}), name="f", items=ITEMS)


def test_a_scorer_that_disagrees_with_the_file_is_told_of():
    right = ImportedAnswer(item="a", answer="2", right=True)
    assert disagreement("x", [(right, 1.0), (ImportedAnswer(item="b", answer="2"), 0.0)]) is None
    told = disagreement("x", [(right, 0.0), (ImportedAnswer(item="b", answer="2", right=False), 1.0)])
    assert told == "x: the file and the scorer disagree on 2 of 2 answers (a, b); the scorer counts."


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("answer", "id", "x")), inner, max_size=3)
    ),
    max_leaves=6,
)
names = st.sampled_from(("id", "answer", "question", "doc_id", "doc", "resps", "sample", "arm", "other", "is_correct"))


@given(st.lists(st.dictionaries(names, json_values, max_size=6), max_size=4))
@settings(deadline=None)
def test_any_rows_are_answers_or_one_sentence(rows: list[dict[str, object]]):
    try:
        imported = read_answers(lines(*rows), name="f", items=ITEMS)
    except ValidationError:
        return
    assert all(len(given) == len(ITEMS) * imported.samples for given in imported.answers.values())
