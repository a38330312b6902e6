"""Finds a model's price: the user's own, else that of a maintained list on this machine, else unknown."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agent_lab.contracts.registry import CostProfile, ModelSpec, ProviderSpec
from agent_lab.gateway.pricing import Price, Tier, TieredPrice

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelPrice, Provider

FIELDS = {
    "input_mtok": "input_usd_per_mtok",
    "output_mtok": "output_usd_per_mtok",
    "cache_read_mtok": "cached_input_usd_per_mtok",
    "cache_write_mtok": "cache_write_usd_per_mtok",
}
BESIDE = ("web_searches", "storage_searches", "cache_write_1h", "audio", "video", "document")
"""Parts of a price's name for what a call of this product does not contain unless it is asked for in the vendor's own
words. Any other price that tokens read and written do not say makes the model's price unknown."""


class PriceList:
    """The prices of all models. Those of the list may change by the day and by the hour, so they are looked up anew
    each minute; in between a look-up is one in a dict. `clock` counts seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._found: dict[tuple[str, str, str], tuple[int, Price | None]] = {}

    def reader(self, providers: Mapping[str, ProviderSpec]) -> Callable[[ModelSpec], Price | None]:
        """`price_of` for models of these providers."""
        return lambda model: self.price_of(model, providers.get(model.provider))

    def price_of(self, model: ModelSpec, provider: ProviderSpec | None) -> Price | None:
        """The price of a model's row, else the list's for its provider and id; None where neither knows it.

        `provider` is None for models of this machine: they cost what their row says.
        """
        if model.cost_profile is not None or provider is None:
            return model.cost_profile
        minute = int(self._clock() // 60)
        key = (provider.base_url, provider.key, model.model_id)
        found = self._found.get(key)
        if found is None or found[0] != minute:
            at = datetime.fromtimestamp(minute * 60, UTC)
            found = self._found[key] = (minute, _listed_price(model.model_id, provider, at))
        return found[1]


def _listed_price(model_id: str, provider: ProviderSpec, at: datetime) -> Price | None:
    # A server on this machine or in this network is nobody's, whatever its row is called.
    if _private(urlsplit(provider.base_url).hostname or ""):
        return None
    try:
        from genai_prices.data_snapshot import get_snapshot  # 10 MB that a lab of local models does without
    except ImportError:  # the extra `hosted` is not installed
        return None
    snapshot = get_snapshot()
    vendor = _vendor(snapshot, provider)
    model = None if vendor is None else vendor.find_model(model_id, all_providers=snapshot.providers)
    return None if model is None else price_from(model.get_prices(at))


def _vendor(snapshot: DataSnapshot, provider: ProviderSpec) -> Provider | None:
    try:
        return snapshot.find_provider(None, None, provider.base_url)
    except LookupError:
        pass
    # An address that the list does not know may be a vendor's regional one, or a company's own way to it.
    return next((vendor for vendor in snapshot.providers if vendor.id == provider.key), None)


def _private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))


def price_from(listed: ModelPrice) -> Price | None:
    """The list's price in our words; None where tokens read and written do not say what a call costs."""
    fields = {name: value for name, value in vars(listed).items() if value is not None}
    if not {"input_mtok", "output_mtok"} <= fields.keys() or any(map(_unknown, fields)):
        return None
    starts = sorted({start for value in fields.values() for start in _starts(value)})
    base = _prices(fields, 0)
    if not starts:
        return base
    return TieredPrice(base, tuple(Tier(start, _prices(fields, start + 1)) for start in starts))


def _unknown(name: str) -> bool:
    return name not in FIELDS and not any(part in name for part in BESIDE)


def _starts(value: Any) -> Iterator[int]:
    return (tier.start for tier in getattr(value, "tiers", ()))


def _prices(fields: dict[str, Any], prompt_tokens: int) -> CostProfile:
    return CostProfile.model_validate(
        {ours: _at(fields[theirs], prompt_tokens) for theirs, ours in FIELDS.items() if theirs in fields}
    )


def _at(value: Any, prompt_tokens: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    reached: list[Decimal] = [tier.price for tier in value.tiers if prompt_tokens > tier.start]
    return reached[-1] if reached else Decimal(value.base)
