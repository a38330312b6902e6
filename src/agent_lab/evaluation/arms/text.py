"""Reads arms as people write them, `vote:5` or `without:challenge/challenger`, and writes them so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pydantic

from agent_lab.contracts.errors import ValidationError, nearest
from agent_lab.contracts.evaluation import (
    AnyArm,
    BestOfArm,
    BestSingleArm,
    DraftsVoteArm,
    EqualCostArm,
    FlowArm,
    ImportedArm,
    NoiseArm,
    SingleArm,
    VoteArm,
    WithoutArm,
)
from agent_lab.contracts.run import RunOptions

FORMS = (
    "challenge, flow:challenge@3, single, single:MODEL, single~challenge, best-single, vote:5, vote:5:MODEL, "
    "vote~challenge:5, best-of:3, without:challenge/challenger, noise:challenge, drafts:challenge, equal-cost:challenge"
)
"""Every form, by an example."""
MAX_NAME_CHARS = 120
_FLOW = re.compile(r"[a-z][a-z0-9_]{0,63}(@(\d{1,9}|draft))?")
_NODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_SETTING = re.compile(r"\s+(model|strategy|temperature|max-tokens|model\.[a-z][a-z0-9_]{0,63})=([^\s=]+)\s*\Z")


@dataclass(frozen=True, slots=True)
class _Form:
    """`word~like:rest`, taken apart."""

    text: str
    word: str
    like: str | None
    rest: str


def parse_arm(text: str) -> AnyArm:
    """The arm that a text means: a form, before it `NAME=` where it is to have a name of its own, behind it settings.

    A setting is `temperature=0`, `max-tokens=200`, `strategy=NAME`, `model=KEY` or `model.ROLE=KEY`.
    Raises ValidationError with what is wrong, and with what would do.
    """
    rest, settings = _without_settings(text.strip())
    name, _, form_text = rest.rpartition("=")
    form = _form(form_text.strip())
    options = _options(settings, text)
    try:
        arm = _ARMS[form.word](form, {"name": "?", "options": options})
        return arm.model_copy(update={"name": _checked_name(name.strip() or default_name(arm), text)})
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = str(first["loc"][0]) if first["loc"] else "the arm"
        raise _wrong(text, f"{place} is not usable: {first['msg']}") from None


def arm_text(arm: AnyArm) -> str:
    """The text that means the arm; its limits, seed and history are not in it."""
    told = default_name(arm, cut=False)
    return told if arm.name == told[:MAX_NAME_CHARS] else f"{arm.name}={told}"


def default_name(arm: AnyArm, *, cut: bool = True) -> str:
    """What an arm is called that has no name of its own: its text."""
    options = RunOptions() if isinstance(arm, ImportedArm) else arm.options
    told = " ".join((_form_text(arm), *_settings_of(options)))
    return told[:MAX_NAME_CHARS].rstrip() if cut else told


# --- reading ----------------------------------------------------------------------------------------------------------
def _without_settings(text: str) -> tuple[str, dict[str, str]]:
    settings: dict[str, str] = {}
    while found := _SETTING.search(text):
        if found[1] in settings:
            raise _wrong(text, f"it says {found[1]} twice")
        settings[found[1]] = found[2]
        text = text[: found.start()]
    return text, dict(reversed(settings.items()))


def _form(text: str) -> _Form:
    head, _, rest = text.partition(":")
    word, tilde, like = head.partition("~")
    if word in _ARMS:
        if tilde and not _FLOW.fullmatch(like):
            raise _wrong(text, f"after ~ it takes a flow, like {word}~challenge")
        return _Form(text, word, like or None, rest)
    if ":" in text or "~" in text:
        raise _wrong(text, f"there is no form {word[:40]!r}; {nearest(word, _ARMS)}")
    if not _FLOW.fullmatch(text):
        raise _wrong(text, f"write it in one of these forms: {FORMS}")
    return _Form(text, "flow", None, text)


def _options(settings: dict[str, str], text: str) -> RunOptions:
    fields: dict[str, Any] = {name.replace("-", "_"): value for name, value in settings.items() if "." not in name}
    roles = {name.removeprefix("model."): value for name, value in settings.items() if "." in name}
    try:
        return RunOptions.model_validate({**fields, "models": roles})
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise _wrong(text, f"{first['loc'][0]}={first['input']} is not usable: {first['msg']}") from None


def _checked_name(name: str, text: str) -> str:
    if len(name) > MAX_NAME_CHARS or "," in name or "\n" in name:
        raise _wrong(text, f"its name has at most {MAX_NAME_CHARS} characters, and no comma")
    return name


def _wrong(text: str, why: str) -> ValidationError:
    return ValidationError(f"The arm {text[:80]!r} is not usable: {why.rstrip('.')}.", where="arm")


def _flow(form: _Form) -> str:
    if not _FLOW.fullmatch(form.rest):
        raise _wrong(form.text, f"{form.word}: takes a flow, like {form.word}:challenge or {form.word}:challenge@3")
    return form.rest


def _flow_and_node(form: _Form) -> tuple[str, str | None]:
    flow, slash, node = form.rest.partition("/")
    if not _FLOW.fullmatch(flow) or (slash and not _NODE.fullmatch(node)):
        raise _wrong(form.text, f"{form.word}: takes FLOW or FLOW/NODE, like {form.word}:challenge/challenger")
    return flow, node or None


def _count(form: _Form) -> tuple[int, str]:
    count, _, model = form.rest.partition(":")
    if not re.fullmatch(r"[1-9]\d{0,3}", count):
        raise _wrong(form.text, f"{form.word}: takes how many answers, like {form.word}:5")
    return int(count), model


def _model(form: _Form, text: str) -> str | None:
    if text and not _MODEL.fullmatch(text):
        raise _wrong(form.text, f"{text[:80]!r} is no key of a model")
    return text or None


def _plain(form: _Form) -> None:
    if form.like is not None:
        raise _wrong(form.text, "only single, vote and best-of take ~FLOW")


def _flow_arm(form: _Form, shared: dict[str, Any]) -> AnyArm:
    _plain(form)
    return FlowArm(flow=_flow(form), **shared)


def _single_arm(form: _Form, shared: dict[str, Any]) -> AnyArm:
    return SingleArm(like=form.like, model=_model(form, form.rest), **shared)


def _best_single_arm(form: _Form, shared: dict[str, Any]) -> AnyArm:
    _plain(form)
    models = tuple(filter(None, (_model(form, one) for one in form.rest.split("+"))))
    return BestSingleArm(of=models, **shared)


def _vote_arm(form: _Form, shared: dict[str, Any]) -> AnyArm:
    count, model = _count(form)
    return VoteArm(k=count, like=form.like, model=_model(form, model), **shared)


def _best_of_arm(form: _Form, shared: dict[str, Any]) -> AnyArm:
    count, models = _count(form)
    model, _, judge = models.partition("/")
    return BestOfArm(k=count, like=form.like, model=_model(form, model), judge=_model(form, judge), **shared)


def _without_arm(form: _Form, shared: dict[str, Any]) -> AnyArm:
    _plain(form)
    flow, node = _flow_and_node(form)
    return WithoutArm(flow=flow, node=node, **shared)


def _noise_arm(form: _Form, shared: dict[str, Any]) -> AnyArm:
    _plain(form)
    flow, node = _flow_and_node(form)
    return NoiseArm(flow=flow, node=node, **shared)


def _drafts_arm(form: _Form, shared: dict[str, Any]) -> AnyArm:
    _plain(form)
    return DraftsVoteArm(flow=_flow(form), **shared)


def _equal_cost_arm(form: _Form, shared: dict[str, Any]) -> AnyArm:
    _plain(form)
    return EqualCostArm(flow=_flow(form), **shared)


_ARMS: dict[str, Callable[[_Form, dict[str, Any]], AnyArm]] = {
    "flow": _flow_arm,
    "single": _single_arm,
    "best-single": _best_single_arm,
    "vote": _vote_arm,
    "best-of": _best_of_arm,
    "without": _without_arm,
    "noise": _noise_arm,
    "drafts": _drafts_arm,
    "equal-cost": _equal_cost_arm,
}


# --- writing ----------------------------------------------------------------------------------------------------------
def _form_text(arm: AnyArm) -> str:
    match arm:
        case FlowArm():
            return f"flow:{arm.flow}" if arm.flow in _ARMS else arm.flow
        case SingleArm():
            return f"single{_like(arm.like)}{_after(':', arm.model)}"
        case BestSingleArm():
            return f"best-single{_after(':', '+'.join(arm.of))}"
        case VoteArm():
            return f"vote{_like(arm.like)}:{arm.k}{_after(':', arm.model)}"
        case BestOfArm():
            models = (arm.model or "") + _after("/", arm.judge)
            return f"best-of{_like(arm.like)}:{arm.k}{_after(':', models)}"
        case _:
            return _derived_text(arm)


def _derived_text(arm: WithoutArm | NoiseArm | DraftsVoteArm | EqualCostArm | ImportedArm) -> str:
    match arm:
        case WithoutArm():
            return f"without:{arm.flow}{_after('/', arm.node)}"
        case NoiseArm():
            return f"noise:{arm.flow}{_after('/', arm.node)}"
        case DraftsVoteArm():
            return f"drafts:{arm.flow}"
        case EqualCostArm():
            return f"equal-cost:{arm.flow}"
        case ImportedArm():
            return f"imported{_after(':', arm.source)}"


def _like(flow: str | None) -> str:
    return _after("~", flow)


def _after(mark: str, value: str | None) -> str:
    return f"{mark}{value}" if value else ""


def _settings_of(options: RunOptions) -> Iterator[str]:
    for name in ("model", "strategy", "temperature", "max_tokens"):
        value = getattr(options, name)
        if value is not None:
            yield (
                f"{name.replace('_', '-')}={value:g}" if name == "temperature" else f"{name.replace('_', '-')}={value}"
            )
    for role, model in options.models.items():
        yield f"model.{role}={model}"
