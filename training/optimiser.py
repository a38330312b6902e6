"""Muon for the weight matrices, AdamW for embeddings and norms, behind one `step`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Quintic Newton-Schulz coefficients, from Keller Jordan's Muon (https://kellerjordan.github.io/posts/muon/).
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalised(update: Tensor, rounds: int = 5) -> Tensor:
    """The nearest orthogonal matrix to each of a stack (n, rows, columns), approximately."""
    a, b, c = NEWTON_SCHULZ
    x = update / (update.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = x.size(-2) > x.size(-1)
    x = x.mT if tall else x
    for _ in range(rounds):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon:
    """Momentum, orthogonalised; matrices of one shape are stepped together."""

    def __init__(self, matrices: list[nn.Parameter], momentum: float = 0.95) -> None:
        self.momentum = momentum
        self.groups: dict[torch.Size, list[nn.Parameter]] = {}
        for matrix in matrices:
            self.groups.setdefault(matrix.shape, []).append(matrix)
        self.speeds = {shape: torch.zeros(len(group), *shape) for shape, group in self.groups.items()}

    def step(self, rate: float) -> None:
        with torch.no_grad():
            for shape, group in self.groups.items():
                self._step(shape, group, rate)

    def _step(self, shape: torch.Size, group: list[nn.Parameter], rate: float) -> None:
        gradients = torch.stack([p.grad if p.grad is not None else torch.zeros_like(p) for p in group])
        speed = self.speeds[shape].lerp_(gradients, 1 - self.momentum)
        update = orthogonalised(gradients.lerp(speed, self.momentum))
        scale = rate * max(1.0, shape[0] / shape[1]) ** 0.5
        torch._foreach_add_(group, list(update.unbind()), alpha=-scale)


class Optimiser:
    """Both optimisers; `share` scales their full rates, from 0 to 1."""

    def __init__(self, model: nn.Module, matrix_rate: float = 0.02, other_rate: float = 3e-3) -> None:
        embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
        parameters = [p for p in model.parameters() if p.requires_grad]
        matrices = [p for p in parameters if p.ndim == 2 and id(p) not in embeddings]
        chosen = {id(p) for p in matrices}
        self.matrix_rate, self.other_rate = matrix_rate, other_rate
        self.muon = Muon(matrices)
        self.adamw = torch.optim.AdamW([p for p in parameters if id(p) not in chosen], lr=other_rate, weight_decay=0.0)

    def step(self, share: float) -> None:
        self.muon.step(self.matrix_rate * share)
        for group in self.adamw.param_groups:
            group["lr"] = self.other_rate * share
        self.adamw.step()

    def zero(self) -> None:
        for groups in self.muon.groups.values():
            for parameter in groups:
                parameter.grad = None
        self.adamw.zero_grad(set_to_none=True)
