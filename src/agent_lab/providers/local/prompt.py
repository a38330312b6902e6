"""Turns a request into token ids through the model's own chat template; text never becomes a special token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from agent_lab.contracts.errors import UnusableError, ValidationError
from agent_lab.contracts.generation import GenerationRequest, Message
from agent_lab.providers.local.templates.sandbox import TemplateFailure, Templates

ChatMessage = dict[str, str]
ROLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
SPEAKER = "creator"
"""Who speaks in the `turns` format where the request names no role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a model reads with: its tokenizer, and the process that its chat template is rendered in."""

    model_key: str
    tokenizer: Any
    templates: Templates


def prompt_ids(reading: Reading, request: GenerationRequest, prompt_format: Literal["chat", "turns"]) -> list[int]:
    """The ids that the model reads.

    Raises ValidationError where its template refuses the conversation, and UnusableError where the template is none,
    tries what a template may not, or takes too much time or memory.
    """
    if prompt_format == "turns":
        turns = request.context.turns or (Message(role="user", content=request.prompt),)
        messages = [{"role": _name(turn.role), "content": turn.content} for turn in turns]
        return _rendered(reading, messages, role=_name(request.context.role or SPEAKER))
    if not reading.tokenizer.chat_template:
        return _plain(reading.tokenizer, request)
    messages = chat_messages(request)
    try:
        return _rendered(reading, messages)
    except ValidationError:
        folded = system_folded(messages)
        if folded == messages:
            raise
        return _rendered(reading, folded)


def chat_messages(request: GenerationRequest) -> list[ChatMessage]:
    """System, history and prompt as templates expect them: one system message, then user and assistant in turn."""
    spoken = [(_chat_role(message.role), message.content) for message in request.context.history]
    if request.context.system:
        spoken.insert(0, ("system", request.context.system))
    spoken.append(("user", request.prompt))
    spoken.sort(key=lambda turn: turn[0] != "system")
    messages: list[ChatMessage] = []
    for role, content in spoken:
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += "\n\n" + content
        else:
            messages.append({"role": role, "content": content})
    return messages


def system_folded(messages: list[ChatMessage]) -> list[ChatMessage]:
    """The same for templates that know no system role: its text opens the first user message."""
    if messages[0]["role"] != "system" or len(messages) < 2 or messages[1]["role"] != "user":
        return messages
    first = {"role": "user", "content": messages[0]["content"] + "\n\n" + messages[1]["content"]}
    return [first, *messages[2:]]


def _name(role: str) -> str:
    # Templates build special tokens around the role: `<|` and `|>` about a role of its own making would be another.
    if not ROLE.fullmatch(role):
        raise ValidationError(f"The role {role!r} is not a name; use letters, digits, - and _.", where="/context/turns")
    return role


def _chat_role(role: str) -> str:
    return role if role in {"system", "user"} else "assistant"


def _rendered(reading: Reading, messages: list[ChatMessage], **variables: str) -> list[int]:
    """As `apply_chat_template(..., add_generation_prompt=True, sanitize_control_tokens=True)` of transformers."""
    from transformers.utils.chat_template_utils import mark_control_tokens

    tokenizer = reading.tokenizer
    try:
        template = tokenizer.get_chat_template()
        # Whatever looks like a control token in these texts is marked, and encoded as the characters that it is
        # written with.
        control = control_tokens(tokenizer, reading.templates.literals(template))
        text = reading.templates.render(
            template,
            {
                **tokenizer.special_tokens_map,
                **mark_control_tokens(variables, control),
                "messages": mark_control_tokens(messages, control),
                "tools": None,
                "documents": None,
                "add_generation_prompt": True,
            },
        )
        ids = tokenizer(text, add_special_tokens=False, sanitize_control_tokens=True)["input_ids"]
    except (TemplateFailure, ValueError) as error:
        raise _refusal(reading.model_key, error) from error
    return [int(one) for one in ids]


def control_tokens(tokenizer: Any, literals: str) -> re.Pattern[str]:
    """What must not be had by writing it: special tokens, and those added ones that the template writes itself.

    `literals` is the text that is written out in the template. A pattern that tries the longest first.
    """
    named = None if tokenizer.chat_control_tokens is None else set(tokenizer.chat_control_tokens)

    def is_control(token: Any) -> bool:
        if token.special:
            return True
        return token.content in literals and not token.content.isspace() if named is None else token.content in named

    found = {token.content for token in tokenizer.added_tokens_decoder.values() if is_control(token)}
    return re.compile("|".join(map(re.escape, sorted(found, key=len, reverse=True))) or "(?!)")


def _refusal(model_key: str, error: TemplateFailure | ValueError) -> ValidationError | UnusableError:
    if isinstance(error, ValueError) or error.failure == "refused":
        return ValidationError(f"The model's chat template does not take this conversation: {error}.")
    what = {"syntax": "is not one", "forbidden": "tries what no template may", "limit": "was stopped"}[error.failure]
    return UnusableError(
        f"The chat template of {model_key!r} {what} ({error}); mend or replace its chat_template, or use another model."
    )


def _plain(tokenizer: Any, request: GenerationRequest) -> list[int]:
    """For a model without a chat template: the texts under each other, after its own start token."""
    texts = [request.context.system, *(message.content for message in request.context.history), request.prompt]
    text = "\n\n".join(text for text in texts if text)
    start = [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
    return [*start, *map(int, tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))]
