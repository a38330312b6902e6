"""The memory of conversations holds nothing of what was there before it."""

import pytest

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_rows_that_nobody_wrote_hold_no_numbers_that_spoil_sums(dtype: str) -> None:
    from agent_lab.providers.local.batching.slots import SlotLayer

    states = torch.zeros((1, 2, 1, 8), dtype=getattr(torch, dtype))
    for _ in range(20):  # the allocator hands the same places out again
        spoilt = [torch.full((4, 2, 64, 8), float("nan"), dtype=states.dtype) for _ in range(4)]
        del spoilt
        layer = SlotLayer(rows=4, places=64)
        layer.lazy_initialization(states, states)
        assert layer.keys.shape == (4, 2, 64, 8)
        assert not layer.keys.isnan().any()
        assert not layer.values.isnan().any()
