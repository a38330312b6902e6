"""Bare transformers on a checkpoint, in a process of its own: the threads of one side would slow down the other's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Plain:
    """The process, from outside."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self._popen = popen

    def generate(self, rows: Sequence[Sequence[int]], *, tokens: int, padded: bool) -> None:
        """Have `generate` write that many tokens for each prompt: as one padded batch, or one after another."""
        if self._popen.stdin is None or self._popen.stdout is None:
            raise RuntimeError("the process has no pipes")
        self._popen.stdin.write(json.dumps({"rows": list(map(list, rows)), "tokens": tokens, "padded": padded}) + "\n")
        self._popen.stdin.flush()
        if self._popen.stdout.readline().strip() != "done":
            raise RuntimeError("the process with bare transformers has died")


@contextmanager
def plain(folder: Path, dtype: str) -> Iterator[Plain]:
    """The checkpoint, loaded by bare transformers in that precision."""
    command = [sys.executable, "-m", "benchmarks.local.plain", str(folder), dtype]
    popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Plain(popen)
    finally:
        popen.terminate()
        popen.wait()


def _write(model: Any, rows: list[list[int]], tokens: int) -> None:
    import torch

    width = max(map(len, rows))
    # Left padding, as transformers wants it for models that go on to the right.
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    with torch.inference_mode():
        made = model.generate(ids, attention_mask=mask, max_new_tokens=tokens, do_sample=False, pad_token_id=0)
    if made.shape[1] - width != tokens:
        raise RuntimeError("an answer ended early: the figures would not compare")


def main() -> None:
    """Obey one line after another."""
    import torch
    import transformers

    transformers.logging.disable_progress_bar()
    folder, dtype = sys.argv[1:]
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    for line in sys.stdin:
        asked = json.loads(line)
        for rows in [asked["rows"]] if asked["padded"] else [[row] for row in asked["rows"]]:
            _write(model, rows, asked["tokens"])
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
