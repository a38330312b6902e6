import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import ProblemsError, TooLargeError, ValidationError
from agent_lab.evaluation.data import tables
from agent_lab.evaluation.data.datasets import demo_dataset, final_of, made_id, read_dataset

GSM8K = (
    {
        "question": "Nora bakes 48 rolls and sells half of them. How many are left?",
        "answer": "She sells 48/2=<<48/2=24>>24.\n48-24=<<48-24=24>>24 are left.\n#### 24",
    },
    {
        "question": "A house costs $80,000 and 50,000 more. What is that?",
        "answer": "80,000+50,000=<<80000+50000=130000>>130,000\n#### 130,000",
    },
)


def lines(*rows: object) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_lines_of_json_have_named_columns_and_every_other_one_is_kept():
    raw = lines({"id": "a", "input": "1+1?", "target": 2, "level": 3, "tags": ["sum"]}, {"id": 7, "input": "2+2?"})
    dataset = read_dataset(raw, name="sums")
    first, second = dataset.items
    assert (first.id, first.input, first.target, first.columns) == ("a", "1+1?", "2", {"level": 3, "tags": ["sum"]})
    assert (second.id, second.target) == ("7", None)
    assert (dataset.info.items, dataset.info.columns) == (2, ("level", "tags"))


def test_a_byte_order_mark_windows_line_ends_and_empty_lines_change_nothing():
    plain = lines({"input": "a", "target": "1"}, {"input": "b", "target": "2"})
    odd = b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n\r\n") + b"\r\n  \r\n"
    assert read_dataset(odd, name="x").info.content_hash == read_dataset(plain, name="x").info.content_hash


def test_a_line_separator_within_a_json_text_ends_no_row():
    raw = json.dumps({"input": "one\u2028two\u0085three\x0cfour"}, ensure_ascii=False).encode()
    assert [item.input for item in read_dataset(raw, name="x").items] == ["one\u2028two\u0085three\x0cfour"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_keeps_line_breaks_and_delimiters_within_quotes(delimiter: str):
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerows([["id", "input", "target"], ["1", 'say "hi",\nthen; go\ton', "x"], [], ["2", "b", ""]])
    items = read_dataset(written.getvalue().encode(), name="x").items
    assert [(item.id, item.input, item.target) for item in items] == [
        ("1", 'say "hi",\nthen; go\ton', "x"),
        ("2", "b", None),
    ]


def test_a_csv_cell_may_be_as_long_as_a_question():
    raw = f"input,target\n{'long ' * 100_000},1\n".encode()
    assert len(read_dataset(raw, name="x").items[0].input) == 500_000


def test_lists_and_documents_of_json_are_read():
    rows = [{"input": "a", "target": "1"}, {"input": "b", "target": "2"}]
    hashes = {
        read_dataset(raw.encode(), name="x").info.content_hash
        for raw in (
            json.dumps(rows),
            json.dumps(rows, indent=2),
            json.dumps({"items": rows}),
            json.dumps({"data": rows}, indent=1),
        )
    }
    assert len(hashes) == 1


def test_gsm8ks_own_file_is_recognised():
    items = read_dataset(lines(*GSM8K), name="gsm8k").items
    assert [item.target for item in items] == ["24", "130000"]
    assert items[0].columns == {"solution": GSM8K[0]["answer"]}


def test_an_answer_that_only_mentions_the_mark_is_no_file_of_gsm8k():
    raw = lines(GSM8K[0], {"question": "Which mark ends it?", "answer": "#### of course"})
    assert read_dataset(raw, name="x").items[1].target == "#### of course"


def test_a_column_map_names_what_is_called_otherwise():
    raw = lines({"frage": "1+1?", "soll": "2", "input": "not this", "split": "easy"})
    item = read_dataset(raw, name="x", columns={"input": "frage", "target": "soll", "split": ""}).items[0]
    assert (item.input, item.target, item.columns) == ("1+1?", "2", {"input": "not this", "split": "easy"})
    with pytest.raises(ValidationError, match="did you mean 'frage'"):
        read_dataset(raw, name="x", columns={"input": "frag"})
    with pytest.raises(ValidationError, match="no column for the question"):
        read_dataset(lines({"q": 1}), name="x")


def test_ids_are_made_from_the_content_wherever_the_row_stands():
    one, two = {"question": "a", "answer": "1"}, {"input": "b", "target": "2", "note": "n"}
    first = read_dataset(lines(one), name="x").items[0].id
    assert first == made_id("a", "1")
    again = read_dataset(lines(two, {"input": "a", "target": "1"}), name="y").items
    assert again[1].id == first != again[0].id


def test_all_that_is_wrong_is_told_at_once_with_its_lines():
    raw = b"\n".join((
        b'{"id": "a", "input": "one"}',
        b"not json",
        b'["a", "list"]',
        b'{"id": "a", "input": "two"}',
        b'{"id": "c", "input": "  "}',
        b'{"id": "d", "input": 1e999}',
        b'{"id": "e", "input": NaN}',
        b'{"id": "f", "input": "x", "split": "hard"}',
    ))  # fmt: skip
    with pytest.raises(ProblemsError) as refused:
        read_dataset(raw, name="bad")
    # Lines that are no JSON object are told first: what the others hold is not known before they are mended.
    assert [place for place, _ in refused.value.problems] == ["/2", "/3", "/6", "/7"]
    good = b"\n".join(line for number, line in enumerate(raw.split(b"\n")) if number not in {1, 2, 5, 6})
    with pytest.raises(ProblemsError) as refused:
        read_dataset(good, name="bad")
    told = dict(refused.value.problems)
    assert list(told) == ["/2", "/3", "/4"]
    assert "is that of line 1 already" in told["/2"]
    assert "tune" in told["/4"]


def test_a_file_full_of_problems_is_refused_in_one_short_sentence():
    with pytest.raises(ProblemsError) as refused:
        read_dataset(b"\n".join([b'{"a": '] * 300), name="bad", form="jsonl")
    assert refused.value.message.endswith("; and 295 more.")
    assert (len(refused.value.problems), len(refused.value.message) < 1000) == (50, True)


def test_csv_rows_of_another_width_are_told_with_the_line_on_which_they_begin():
    raw = b'input,target\n"two\nlines",1\nonly one\na,b,c\n'
    with pytest.raises(ProblemsError) as refused:
        read_dataset(raw, name="x")
    assert [place for place, _ in refused.value.problems] == ["/4", "/5"]


def test_the_same_row_twice_needs_ids():
    row = {"input": "a", "target": "1"}
    with pytest.raises(ProblemsError, match="line 1 once more"):
        read_dataset(lines(row, row), name="x")
    assert len(read_dataset(lines(row | {"id": 1}, row | {"id": 2}), name="x").items) == 2


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no rows"),
        (b"input,target\n", "no rows"),
        (b"a,a\n1,2\n", "two columns"),
        ("input\nä\n".encode("utf-16"), "UTF-16"),
        (b"input\n\xff\xfa\n", "line 2"),
        (b'input\n"open\n', "quotes"),
        (b"[1, 2", "not valid JSON"),
        (b"7\n", "no column|no rows"),
    ],
)
def test_what_is_no_dataset_is_refused_in_one_sentence(raw: bytes, said: str):
    with pytest.raises(ValidationError, match=said) as refused:
        read_dataset(raw, name="x")
    assert "\n" not in refused.value.message


def test_bounds_are_kept(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(TooLargeError):
        tables.read_table(b"x" * 20, what="it", max_bytes=10)
    many = b'{"input":"a"}\n' * 100_001
    with pytest.raises(TooLargeError, match="100,001 items"):
        read_dataset(many, name="x")


def test_nothing_is_stored_that_a_store_refuses():
    item = read_dataset(rb'{"input": "a\ud800\u0000b", "target": "\ud83d\ude00"}', name="x").items[0]
    assert (item.input, item.target) == ("a\ufffdb", "😀")


def test_the_content_hash_is_of_all_that_the_items_hold_in_their_order():
    a, b = {"id": "a", "input": "1"}, {"id": "b", "input": "2"}
    different = ((a, b), (b, a), (a, b | {"test": "x"}), (a, b | {"target": "x"}), (a, b | {"split": "tune"}))
    hashes = [read_dataset(lines(*rows), name=str(n)).info.content_hash for n, rows in enumerate(different)]
    assert len(set(hashes)) == len(different)
    assert read_dataset(lines(a, b), name="another").info.content_hash == hashes[0]


def test_the_built_in_problems_are_a_dataset():
    dataset = demo_dataset()
    assert (dataset.info.name, dataset.info.items) == ("demo", 600)
    assert dataset.items[0].target is not None


@pytest.mark.parametrize(
    ("worked", "final"),
    [
        ("a\n#### 1,319", "1319"),
        ("a\nA: 18", "18"),
        ("#### $70,000 ", "$70000"),
        ("no mark", None),
        ("#### a\nb", None),
    ],
)
def test_what_a_worked_answer_comes_to(worked: str, final: str | None):
    assert final_of(worked) == final


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(deadline=None)
def test_any_bytes_are_a_dataset_or_one_sentence(raw: bytes):
    try:
        items = read_dataset(raw, name="x").items
    except ValidationError:
        return
    assert items


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda text: bool(text.strip())
)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=8, unique_by=lambda row: row[0]))
@settings(deadline=None)
def test_jsonl_json_and_csv_of_the_same_rows_are_the_same_dataset(rows: list[tuple[str, str]]):
    named = [{"id": str(n), "input": question, "target": target} for n, (question, target) in enumerate(rows)]
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, ["id", "input", "target"], quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(named)
    forms = (lines(*named), json.dumps(named).encode(), written.getvalue().encode())
    assert len({read_dataset(raw, name="x").info.content_hash for raw in forms}) == 1
