"""The routes that ask one model one question."""

from __future__ import annotations

from typing import Any, Self

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field, model_validator

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, GenerationRequest, GenerationResult
from agent_lab.contracts.sentences import said
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.presence import while_waited_for
from agent_lab.lab.problems import documented
from agent_lab.lab.services import LabServices, Services

router = APIRouter(route_class=GuardedRoute, tags=["inference"])

ASKED: dict[str, Any] = {
    "prompt": "Ana has 12 apples and buys 30 more. How many has she now?",
    "model": "demo",
    "strategy": "optimized",
    "max_tokens": 512,
    "temperature": 0.7,
}
ANSWERED: dict[str, Any] = {
    "text": "12+30=42\nAnswer: 42",
    "tokens_generated": 12,
    "timings": {"load_s": 0.0, "queue_s": 0.0, "first_token_s": 0.02, "inference_s": 0.1, "total_s": 0.12},
    "usage": {"prompt_tokens": 24, "completion_tokens": 12, "cached_tokens": 0, "cost_usd": 0.0},
    "source": "local",
    "cache_hit": True,
    "model_key": "demo",
    "model_resolved": "builtin:demo",
    "strategy": "standard",
    "finish_reason": "stop",
    "attempts": [{"provider": "local", "model": "demo", "outcome": "ok", "seconds": 0.12}],
    "notes": [],
    "model_name": "demo",
    "load_time_sec": 0.0,
    "inference_time_sec": 0.1,
    "total_time_sec": 0.12,
    "gpu_memory_used_gb": None,
}


class InferenceRequest(GenerationRequest):
    """A question to a model. `model` and `model_key` mean the same."""

    model_config = ConfigDict(json_schema_extra={"example": ASKED})

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS)
    model: str | None = Field(default=None, description="The registry key of the model; the same as `model_key`.")

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.model and self.model_key and self.model != self.model_key:
            raise ValueError(said("two_models", "`model` and `model_key` name different models; give one of them"))
        return self

    def generation(self) -> GenerationRequest:
        """The request as the gateway takes it. Raises ValidationError for a blank prompt."""
        if not self.prompt.strip():
            raise ValidationError(said("prompt_empty", "The prompt is empty; write a question."), where="/prompt")
        parts = {name: getattr(self, name) for name in GenerationRequest.model_fields}
        return GenerationRequest(**{**parts, "model_key": self.model_key or self.model})


class InferenceAnswer(GenerationResult):
    """The answer and what it took; the names in `_sec` are those of the metrics that each execution reports."""

    model_config = ConfigDict(json_schema_extra={"example": ANSWERED})

    model_name: str
    load_time_sec: float
    inference_time_sec: float
    total_time_sec: float
    gpu_memory_used_gb: float | None
    """What local models hold of the GPU's memory; None on a machine without one."""


async def _infer(body: InferenceRequest, request: Request, services: LabServices) -> InferenceAnswer:
    result = await while_waited_for(request, services.generator.generate(body.generation()))
    seen = services.monitor.look()
    return InferenceAnswer(
        **dict(result),
        model_name=result.model_key,
        load_time_sec=result.timings.load_s,
        inference_time_sec=result.timings.inference_s,
        total_time_sec=result.timings.total_s,
        gpu_memory_used_gb=seen.used_by_models_gb if seen.memory == "vram" else None,
    )


FAILURES = documented(404, 429, 502, 503, 504, 507, body=True)


@router.post("/inference", operation_id="infer", responses=FAILURES)
@owner
async def infer(body: InferenceRequest, request: Request, services: Services) -> InferenceAnswer:
    """Ask one model one question. A client that leaves ends the generation."""
    return await _infer(body, request, services)


@router.post("/api/inference", operation_id="infer_api", responses=FAILURES)
@owner
async def infer_api(body: InferenceRequest, request: Request, services: Services) -> InferenceAnswer:
    """The same as `/inference`, under the API's own path."""
    return await _infer(body, request, services)
