"""Lets several processes train one model: each on batches of its own, all stepping by the mean of their gradients."""

from __future__ import annotations

from multiprocessing.synchronize import Barrier

import torch
from torch import Tensor, nn


class Team:
    """One process's place in the team; `slots` is shared memory, a row of gradients for each."""

    def __init__(self, rank: int, slots: Tensor, barrier: Barrier) -> None:
        self.rank, self.slots, self.barrier = rank, slots, barrier

    def average(self, model: nn.Module) -> None:
        """Waits for all, and leaves the same mean gradients with each."""
        parameters = [parameter for parameter in model.parameters() if parameter.grad is not None]
        self.slots[self.rank].copy_(torch.cat([parameter.grad.flatten() for parameter in parameters]))
        self.barrier.wait()
        mean = self.slots.mean(0)
        self.barrier.wait()
        for parameter, part in zip(parameters, mean.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = part.view_as(parameter)
