"""Turns a request into token ids through the model's own chat template; text never becomes a special token."""

from __future__ import annotations

import re
from typing import Any, Literal

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.generation import GenerationRequest, Message

ChatMessage = dict[str, str]
ROLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
SPEAKER = "creator"
"""Who speaks in the `turns` format where the request names no role."""


def prompt_ids(tokenizer: Any, request: GenerationRequest, prompt_format: Literal["chat", "turns"]) -> list[int]:
    """The ids that the model reads. Raises ValidationError where its template refuses the conversation."""
    if prompt_format == "turns":
        turns = request.context.turns or (Message(role="user", content=request.prompt),)
        messages = [{"role": _name(turn.role), "content": turn.content} for turn in turns]
        return _rendered(tokenizer, messages, role=_name(request.context.role or SPEAKER))
    if not tokenizer.chat_template:
        return _plain(tokenizer, request)
    messages = chat_messages(request)
    try:
        return _rendered(tokenizer, messages)
    except ValidationError:
        folded = system_folded(messages)
        if folded == messages:
            raise
        return _rendered(tokenizer, folded)


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


def _rendered(tokenizer: Any, messages: list[ChatMessage], **variables: str) -> list[int]:
    import jinja2

    try:
        ids = tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=False,
            # Whatever looks like a special token in these texts is encoded as the characters that it is written with.
            sanitize_control_tokens=True,
            **variables,
        )
    except (jinja2.TemplateError, ValueError) as error:
        raise ValidationError(f"The model's chat template does not take this conversation: {error}.") from error
    return [int(one) for one in ids]


def _plain(tokenizer: Any, request: GenerationRequest) -> list[int]:
    """For a model without a chat template: the texts under each other, after its own start token."""
    texts = [request.context.system, *(message.content for message in request.context.history), request.prompt]
    text = "\n\n".join(text for text in texts if text)
    start = [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
    return [*start, *map(int, tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))]
