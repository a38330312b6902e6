"""What an execution is asked and what it came to, in the words of the user interface."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow import Name
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, Message
from agent_lab.contracts.sentences import Told, said

Mode = Literal["direct", "orchestrated"]
ASKED: dict[str, Any] = {
    "prompt": "Ana has 12 apples and buys 30 more. How many has she now?",
    "mode": "direct",
    "model": "demo",
    "strategy": "optimized",
    "max_tokens": 512,
    "temperature": 0.7,
}
TIMINGS: dict[str, Any] = {"load_s": 0.0, "inference_s": 0.1, "total_s": 0.12}
COUNTS: dict[str, Any] = {"prompt_tokens": 24, "completion_tokens": 12}
DONE: dict[str, Any] = {
    "success": True,
    "mode": "direct",
    "status": "completed",
    "result": "12+30=42\nAnswer: 42",
    "model": "demo",
    "strategy": "standard",
    "cache_hit": True,
    "timings": TIMINGS,
    "tokens": COUNTS,
    "cost_usd": 0.0,
    "gpu_memory_used_gb": None,
    "flow": None,
    "metrics": None,
    "execution_id": None,
    "notes": [],
    "error": None,
}
_OF_FLOWS = ("flow_type", "inputs", "models", "language")
_OF_MODELS = ("system", "task_type")


class ExecutionRequest(BaseModel):
    """A prompt for one model (`direct`) or for a flow (`orchestrated`). What is None is left to the lab."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"example": ASKED})

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS)
    mode: Mode = "direct"
    model: str | None = Field(default=None, max_length=200, description="The model; of a flow, the one of every role.")
    strategy: str | None = Field(default=None, max_length=200)
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    history: tuple[Message, ...] = ()
    system: str | None = Field(default=None, max_length=MAX_PROMPT_CHARS, description="For the mode `direct`.")
    task_type: str | None = Field(default=None, max_length=200, description="For the mode `direct`.")
    flow_type: str | None = Field(
        default=None, min_length=1, max_length=80, description="For the mode `orchestrated`: the flow; else `linear`."
    )
    inputs: dict[Name, str] | None = Field(default=None, description="For `orchestrated`: the flow's other inputs.")
    models: dict[Name, str] | None = Field(
        default=None, max_length=1000, description="For `orchestrated`: the model by node or role."
    )
    language: Literal["en", "es"] | None = Field(default=None, description="For `orchestrated`: of the flow's prompts.")

    @model_validator(mode="after")
    def _of_its_mode(self) -> Self:
        other: Mode = "orchestrated" if self.mode == "direct" else "direct"
        for name in _OF_FLOWS if self.mode == "direct" else _OF_MODELS:
            if getattr(self, name) is not None:
                raise ValueError(f"`{name}` is for the mode `{other}`; leave it out, or change `mode`")
        return self


class ExecutionTimings(BaseModel):
    """Seconds. `load_s` and `inference_s` are None for a flow: its nodes have theirs in `flow`."""

    load_s: float | None
    inference_s: float | None
    total_s: float


class TokenCounts(BaseModel):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int


class ExecutionError(BaseModel):
    """Why an execution that had begun gave no answer: a problem's type without its prefix, and its sentence."""

    type: str
    status: int
    detail: str
    said: Told | None = None
    """What the sentence says, for those who say it in another language."""


class ExecutionResult(BaseModel):
    """What an execution came to."""

    model_config = ConfigDict(json_schema_extra={"example": DONE})

    success: bool
    mode: Mode
    status: str
    """`completed`, `declined`, or how the run stands that gave no answer."""
    result: str | None
    """The answer; of one that was declined the sentence that says why and what to use instead."""
    model: str | None
    """The model that answered; None where a flow asked several, which `metrics.models` names."""
    strategy: str | None
    cache_hit: bool | None
    """Whether the model was in memory already; of a flow, whether all were. None: no model was asked."""
    timings: ExecutionTimings | None
    tokens: TokenCounts | None
    cost_usd: float | None
    """None: the price is not known."""
    gpu_memory_used_gb: float | None = None
    """What local models hold of the GPU's memory; None for a flow and on a machine without one."""
    flow: dict[str, Any] | None = None
    """Of a flow: each node with its output and figures, each edge with how often it was taken."""
    metrics: dict[str, Any] | None = None
    execution_id: str | None = None
    """The run's id, for `/api/v1/runs/{run_id}`; None in the mode `direct`, which keeps nothing."""
    notes: list[str] = []
    """What was done otherwise than asked, a sentence each."""
    error: ExecutionError | None = None


def lab_body(asked: ExecutionRequest) -> tuple[str, dict[str, Any]]:
    """The lab's path and body for it. Raises ValidationError for a blank prompt."""
    if not asked.prompt.strip():
        raise ValidationError(said("prompt_empty", "The prompt is empty; write a question."), where="/prompt")
    given = asked.model_dump(mode="json", exclude_none=True, exclude={"mode", "system", "history"})
    history = [turn.model_dump(mode="json", exclude_defaults=True) for turn in asked.history]
    if asked.mode == "orchestrated":
        return "/orchestrate", given | ({"history": history} if history else {})
    context = ({"history": history} if history else {}) | ({"system": asked.system} if asked.system else {})
    return "/inference", given | ({"context": context} if context else {})


def direct_result(answer: dict[str, Any]) -> ExecutionResult:
    """The lab's answer to a question to one model, mapped."""
    usage, cost = answer["usage"], answer["usage"]["cost_usd"]
    return ExecutionResult(
        success=True,
        mode="direct",
        status="declined" if answer["finish_reason"] == "declined" else "completed",
        result=answer["text"],
        model=answer["model_key"],
        strategy=answer["strategy"],
        cache_hit=answer["cache_hit"],
        timings=ExecutionTimings.model_validate(
            {name: answer["timings"][name] for name in ExecutionTimings.model_fields}
        ),
        tokens=TokenCounts(prompt_tokens=usage["prompt_tokens"], completion_tokens=usage["completion_tokens"]),
        cost_usd=None if cost is None else float(cost),
        gpu_memory_used_gb=answer["gpu_memory_used_gb"],
        notes=answer["notes"],
    )


def orchestrated_result(answer: dict[str, Any], *, strategy: str | None = None) -> ExecutionResult:
    """The lab's answer to a question to a flow, mapped; `strategy` is the one that was asked for."""
    metrics = answer["metrics"]
    rate, models = metrics["cache_hit_rate"], metrics["models"]
    return ExecutionResult(
        success=answer["success"],
        mode="orchestrated",
        status=answer["status"],
        result=answer["result"],
        model=models[0] if len(models) == 1 else None,
        strategy=strategy,
        cache_hit=None if rate is None else rate == 1,
        timings=ExecutionTimings(load_s=None, inference_s=None, total_s=metrics["total_time_sec"]),
        tokens=TokenCounts(prompt_tokens=metrics["prompt_tokens"], completion_tokens=metrics["tokens_generated"]),
        cost_usd=metrics["cost_usd"],
        flow=answer["flow"],
        metrics=metrics,
        execution_id=answer["execution_id"],
    )


def failed_result(problem: dict[str, Any], picture: dict[str, Any] | None, asked: ExecutionRequest) -> ExecutionResult:
    """A run that began and gave no answer: the lab's problem, and the run as far as it came where that is known."""
    error = ExecutionError(
        type=str(problem["type"]).rpartition(":")[2],
        status=problem["status"],
        detail=problem["detail"],
        said=problem.get("said"),
    )
    if picture is not None:
        found = orchestrated_result(picture, strategy=asked.strategy)
        return found.model_copy(update={"success": False, "error": error})
    return ExecutionResult(
        success=False,
        mode=asked.mode,
        status="failed",
        result=None,
        model=None,
        strategy=asked.strategy,
        cache_hit=None,
        timings=None,
        tokens=None,
        cost_usd=None,
        execution_id=problem["run_id"],
        error=error,
    )
