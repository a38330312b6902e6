"""Says which family a model is of, and warns where a judge would judge its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_STEMS: Mapping[str, tuple[str, ...]] = {
    "gpt": ("gpt", "chatgpt", "openai", "o1", "o3", "o4", "davinci"),
    "claude": ("claude", "anthropic"),
    "gemini": ("gemini", "gemma", "palm", "bard"),
    "deepseek": ("deepseek",),
    "llama": ("llama", "vicuna", "alpaca", "tulu", "hermes", "codellama", "smollm"),
    "qwen": ("qwen", "qwq", "qvq"),
    "mistral": ("mistral", "mixtral", "ministral", "codestral", "magistral", "devstral", "pixtral", "zephyr"),
    "phi": ("phi",),
    "command": ("command", "aya", "cohere"),
    "grok": ("grok",),
    "glm": ("glm", "chatglm"),
    "kimi": ("kimi", "moonshot"),
    "yi": ("yi",),
    "nova": ("nova",),
    "granite": ("granite",),
    "falcon": ("falcon",),
    "olmo": ("olmo",),
    "demo": ("demo",),
}
_FAMILY: Mapping[str, str] = {stem: family for family, stems in _STEMS.items() for stem in stems}
_WORD = re.compile(r"o[134](?![a-z0-9])|[a-z]+")


def family_of(model: str) -> str:
    """The family of a model, by the name of its row or of its vendor: `qwen2.5-coder-7b` and `Qwen/Qwen3-8B` are both
    `qwen`. The first known name counts, that of the model before that of its owner; else the first word of its own."""
    owner, _, name = model.casefold().rpartition("/")
    for part in (name, owner):
        known = (family for word in _WORD.findall(part) if (family := _known(word)))
        family = next(known, None)
        if family:
            return family
    first = _WORD.search(name)
    return first[0] if first else name


def _known(word: str) -> str | None:
    # "chatglm", "metallama" and "openhermes" have their stem within a longer word; short stems would be in too many.
    return _FAMILY.get(word) or next((_FAMILY[stem] for stem in _FAMILY if len(stem) >= 5 and stem in word), None)


def same_family(judge: str, contestants: Iterable[str]) -> str | None:
    """A sentence where the judge is of the family of models that it judges; None where it is of none of them."""
    family = family_of(judge)
    own = sorted({model for model in contestants if family_of(model) == family})
    if not own:
        return None
    return (
        f"The judge {judge} is of the same family ({family}) as {', '.join(own)}; models tend to prefer their own "
        "kind, so let one of another family judge."
    )
