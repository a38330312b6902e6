"""How an execution is told to the lab, and how the lab's answers are told to the user interface."""

import copy
from typing import Any

import pydantic
import pytest

from agent_lab.backend.client import lab_address
from agent_lab.backend.execution import ExecutionRequest, direct_result, failed_result, lab_body, orchestrated_result
from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.generation import Message
from agent_lab.lab.inference import ANSWERED, InferenceAnswer, InferenceRequest
from agent_lab.lab.orchestrate import OrchestrateAnswer, OrchestrateRequest

RAN: dict[str, Any] = {
    "success": True,
    "result": "42",
    "execution_id": "20261121t090000-5f1d7c0e9b",
    "request_id": "5f",
    "flow_type": "challenge",
    "status": "completed",
    "draft": "41",
    "final_summary": None,
    "flow": {"nodes": [{"id": "creator"}], "edges": []},
    "metrics": {
        "total_time_sec": 2.5,
        "model_calls": 3,
        "prompt_tokens": 90,
        "tokens_generated": 120,
        "cost_usd": None,
        "cache_hit_rate": 0.667,
        "models": ["demo", "other"],
    },
}


def test_a_direct_question_is_one_that_inference_takes() -> None:
    asked = ExecutionRequest(
        prompt="What?",
        model="demo",
        strategy="optimized",
        max_tokens=5,
        temperature=0.0,
        seed=0,
        system="Be short.",
        task_type="math",
        history=(Message(role="user", content="Hello"),),
    )
    path, body = lab_body(asked)
    taken = InferenceRequest.model_validate(body).generation()
    assert path == "/inference"
    assert (taken.prompt, taken.model_key, taken.strategy, taken.max_tokens) == ("What?", "demo", "optimized", 5)
    assert (taken.temperature, taken.seed, taken.task_type) == (0.0, 0, "math")
    assert taken.context.system == "Be short."
    assert taken.context.history == asked.history


def test_an_orchestrated_question_is_one_that_orchestrate_takes() -> None:
    asked = ExecutionRequest(
        prompt="What?",
        mode="orchestrated",
        flow_type="challenge",
        model="demo",
        models={"creator": "other"},
        inputs={"colour": "red"},
        language="es",
        history=(Message(role="user", content="Hello"),),
    )
    path, body = lab_body(asked)
    taken = OrchestrateRequest.model_validate(body)
    assert path == "/orchestrate"
    assert (taken.flow_type, taken.model, taken.models) == ("challenge", "demo", {"creator": "other"})
    assert (taken.inputs, taken.language, taken.history) == ({"colour": "red"}, "es", asked.history)


def test_what_is_not_said_is_left_to_the_lab() -> None:
    assert lab_body(ExecutionRequest(prompt="What?"))[1] == {"prompt": "What?"}
    assert lab_body(ExecutionRequest(prompt="What?", mode="orchestrated"))[1] == {"prompt": "What?"}


@pytest.mark.parametrize(
    ("mode", "extra"),
    [("direct", "flow_type"), ("direct", "language"), ("orchestrated", "system"), ("orchestrated", "task_type")],
)
def test_a_field_of_the_other_mode_is_refused_by_name(mode: str, extra: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=f"`{extra}` is for the mode"):
        ExecutionRequest.model_validate({"prompt": "x", "mode": mode, extra: "en"})
    assert ExecutionRequest.model_validate({"prompt": "x", "mode": mode, extra: None})


def test_a_blank_prompt_is_refused_before_the_lab_is_asked() -> None:
    with pytest.raises(ValidationError, match="empty"):
        lab_body(ExecutionRequest(prompt=" \n"))


def test_an_answer_of_one_model_is_mapped() -> None:
    answer = InferenceAnswer.model_validate(ANSWERED).model_dump(mode="json")
    result = direct_result(answer)
    assert result.success
    assert (result.mode, result.status, result.result) == ("direct", "completed", "12+30=42\nAnswer: 42")
    assert (result.model, result.strategy, result.cache_hit) == ("demo", "standard", True)
    assert result.timings is not None
    assert result.timings.model_dump() == {"load_s": 0.0, "inference_s": 0.1, "total_s": 0.12}
    assert result.tokens is not None
    assert result.tokens.model_dump() == {"prompt_tokens": 24, "completion_tokens": 12}
    assert (result.cost_usd, result.gpu_memory_used_gb, result.execution_id) == (0.0, None, None)


def test_an_unknown_price_stays_unknown_and_a_declined_question_says_so() -> None:
    answer = copy.deepcopy(ANSWERED)
    answer["usage"]["cost_usd"] = None
    answer["finish_reason"] = "declined"
    answer["gpu_memory_used_gb"] = 3.5
    result = direct_result(answer)
    assert (result.cost_usd, result.status, result.success, result.gpu_memory_used_gb) == (None, "declined", True, 3.5)


def test_an_answer_of_a_flow_is_mapped() -> None:
    result = orchestrated_result(OrchestrateAnswer.model_validate(RAN).model_dump(mode="json"), strategy="optimized")
    assert (result.success, result.mode, result.status, result.result) == (True, "orchestrated", "completed", "42")
    assert (result.model, result.strategy, result.cache_hit) == (None, "optimized", False)
    assert result.timings is not None
    assert (result.timings.load_s, result.timings.total_s) == (None, 2.5)
    assert result.tokens is not None
    assert (result.tokens.prompt_tokens, result.tokens.completion_tokens) == (90, 120)
    assert (result.cost_usd, result.flow, result.execution_id) == (None, RAN["flow"], RAN["execution_id"])


def test_one_model_behind_a_flow_is_named_and_full_hits_are_a_hit() -> None:
    one = {**RAN, "metrics": {**RAN["metrics"], "models": ["demo"], "cache_hit_rate": 1.0}}
    assert (orchestrated_result(one).model, orchestrated_result(one).cache_hit) == ("demo", True)
    none = {**RAN, "metrics": {**RAN["metrics"], "models": [], "cache_hit_rate": None}}
    assert (orchestrated_result(none).model, orchestrated_result(none).cache_hit) == (None, None)


def test_a_run_that_failed_is_told_with_its_picture_and_without_it() -> None:
    asked = ExecutionRequest(prompt="x", mode="orchestrated")
    problem = {"type": "urn:agent-lab:problem:silent", "status": 504, "detail": "Nothing came.", "run_id": "r1"}
    bare = failed_result(problem, None, asked)
    assert (bare.success, bare.execution_id, bare.flow) == (False, "r1", None)
    assert bare.error is not None
    assert bare.error.model_dump() == {"type": "silent", "status": 504, "detail": "Nothing came.", "said": None}
    seen = failed_result(problem, {**RAN, "status": "failed", "result": None}, asked)
    assert (seen.success, seen.status, seen.flow) == (False, "failed", RAN["flow"])
    assert seen.error == bare.error


@pytest.mark.parametrize(
    "wrong",
    ["", "localhost:8001", "ftp://x", "http://", "http://me:secret@x", "http://x?y", "http://x#y", "http://x:99999999"],
)
def test_an_address_that_is_none_is_refused_without_being_repeated(wrong: str) -> None:
    with pytest.raises(ValidationError, match="LAB_API_URL") as told:
        lab_address(wrong)
    assert "secret" not in told.value.message


def test_an_address_may_have_a_path_before_the_lab_s() -> None:
    assert lab_address("https://gpu.example/lab/") == "https://gpu.example/lab"
