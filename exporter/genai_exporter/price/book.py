"""The list prices of genai-prices: which model a name means, and its rates at an instant.

genai-prices computes one price in 130 to 180 microseconds. Here it is asked for the prices that hold at an instant
and for how long they hold; the arithmetic is ours. What it needs half a second to import is imported when a
:class:`PriceBook` is made.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from genai_exporter.price.aliases import Aliases, is_fine_tuned
from genai_exporter.price.rates import NEVER_NS, UNKNOWN, Bands, rates_from

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

    Price = Decimal | TieredPrices

UTC = dt.UTC
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS = 253402300799 * 10**9  # 9999-12-31: no datetime goes further

_TOKEN_UNITS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
}
_REQUESTS = "requests_kcount"
_STANDARD_TIERS = frozenset(("", "auto", "default", "on_demand", "on-demand", "standard"))
_KNOWS_FINE_TUNES = re.compile(r"(?<![a-z])ft[:-]")


def to_ns(moment: dt.datetime) -> int:
    """Unix nanoseconds of an aware datetime, exactly."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1) * 1000


def to_datetime(ns: int) -> dt.datetime:
    """The aware UTC datetime, cut to the microsecond and to the years that datetimes reach."""
    return _EPOCH + dt.timedelta(microseconds=max(0, min(ns, _LAST_NS)) // 1000)


class Terms(msgspec.Struct, frozen=True, gc=False):
    """How a call was sent, as far as it changes the price. ``tier`` is ``""`` for the standard one."""

    tier: str
    batch: bool

    @classmethod
    def of(cls, service_tier: str, batch: bool) -> Terms:
        """Fold the spellings that providers report. Anthropic reports a batch as a service tier."""
        tier = service_tier.strip().lower().removeprefix("service_tier_")
        if tier in _STANDARD_TIERS:
            tier = ""
        # A batch is billed as a batch whatever tier its response names: OpenAI's say "default".
        return cls("", True) if batch or tier == "batch" else cls(tier, False)

    def context(self) -> dict[str, str]:
        """The ``price_context`` of genai-prices."""
        if self.batch:
            return {"processing": "batch"}
        if self.tier == "fast":
            # OpenAI sells speed as a service tier, Anthropic as "speed"; no model has both.
            return {"service_tier": "fast", "speed": "fast"}
        return {"service_tier": self.tier} if self.tier else {}


class Listed:
    """A model of the price list as one provider sells it."""

    def __init__(self, provider: Provider, model: ModelInfo) -> None:
        self.provider_id: str = provider.id
        self.model_id: str = model.id
        self._model = model
        # A provider that resells another's model has the standard price, but not the other's tiers and batch rates.
        self._own = any(model is other for other in provider.models)

    def has_variant(self, terms: Terms) -> bool:
        """Whether the list has prices of their own for these terms at some time. Standard terms need none."""
        context = terms.context()
        variants = (self._model.price_variants or ()) if self._own else ()
        return not context or any(variant.when.items() <= context.items() for variant in variants)

    def bands(self, ns: int, terms: Terms) -> Bands:
        """The rates at an instant; empty when the list has the model without a usable price."""
        context = terms.context() if self._own else {}
        return _bands(self._model.get_prices(to_datetime(ns), context or None), self.model_id)

    def changes(self, ns: int) -> Iterator[int]:
        """Instants at which the price may change: every start date, and the daily times around ``ns``."""
        from genai_prices.types import StartDateConstraint, TimeOfDateConstraint  # noqa: PLC0415

        model = self._model
        # ModelPrice has an attribute for every unit, so only the type tells a price from a list of them.
        conditional = model.prices if isinstance(model.prices, list) else []
        for constraint in (item.constraint for item in (*conditional, *(model.price_variants or ()))):
            if isinstance(constraint, StartDateConstraint):
                yield to_ns(dt.datetime.combine(constraint.start_date, dt.time(), UTC))
            elif isinstance(constraint, TimeOfDateConstraint):
                today = to_datetime(ns).date()
                for time in (constraint.start_time, constraint.end_time):
                    first = dt.datetime.combine(today, time, time.tzinfo or UTC)
                    # Two days either way: a time with an offset may fall on the neighbouring UTC day.
                    for days in range(-2, 3):
                        yield to_ns(first + dt.timedelta(days=days))
            elif constraint is not None:
                # A kind of condition that is newer than this code: right, if slow, when never reused.
                yield from (ns, ns + 1)


class PriceBook:
    """The list prices that are bundled with the installed genai-prices."""

    def __init__(self) -> None:
        from genai_prices import __version__  # noqa: PLC0415
        from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

        self.version: str = __version__
        self._providers: list[Provider] = list(get_snapshot().providers)
        self._by_id = {provider.id: provider for provider in self._providers}
        self.aliases = Aliases(frozenset(self._by_id))

    def find(self, provider_name: str, response_model: str, request_model: str) -> Listed | None:
        """The model that a call used. None when the list has no price that is certain to be the right one."""
        for lookup in self.aliases.lookups(provider_name, response_model, request_model):
            found = self._find(lookup.provider, lookup.model)
            if found is not None:
                return found
            if is_fine_tuned(lookup.model) and lookup.model == response_model.strip().lower():
                # The request may name the base model, whose price would be too low.
                return None
        return None

    def newest_change(self, before: dt.date) -> dt.date | None:
        """The latest date up to ``before`` at which the list records a new price: a lower bound of its age."""
        from genai_prices.types import StartDateConstraint  # noqa: PLC0415

        dates = (
            item.constraint.start_date
            for provider in self._providers
            for model in provider.models
            for item in (*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ()))
            if isinstance(item.constraint, StartDateConstraint) and item.constraint.start_date <= before
        )
        return max(dates, default=None)

    def _find(self, provider_id: str, model: str) -> Listed | None:
        provider = self._by_id.get(provider_id) if provider_id else self._provider_of(model)
        if provider is None:
            return None
        info = provider.find_model(model, all_providers=self._providers)
        if info is None:
            return None
        if is_fine_tuned(model) and not _KNOWS_FINE_TUNES.search(repr(info.match).lower()):
            return None
        return Listed(provider, info)

    def _provider_of(self, model: str) -> Provider | None:
        for provider in self._providers:
            if provider.model_match is not None and provider.model_match.is_match(model):
                return provider
        return None


def _bands(prices: ModelPrice, model_id: str) -> Bands:
    by_key = {key: value for key, value in vars(prices).items() if value is not None}
    if not by_key and not model_id.endswith(":free"):
        # genai-prices lists a model that is free, and one whose price nobody found, both without prices.
        # Only the suffix ":free" is proof.
        return ()
    starts = sorted({tier.start for value in by_key.values() for tier in getattr(value, "tiers", ())})
    bands = []
    for start in (-1, *starts):
        at = {key: _price_at(value, start + 1) for key, value in by_key.items()}
        tokens = {unit: at[key] for key, unit in _TOKEN_UNITS.items() if key in at}
        for side, other in (("input", "output"), ("output", "input")):
            if side not in tokens:
                tokens[side] = UNKNOWN if _billed_otherwise(side, other, by_key) else 0.0
        bands.append((start, rates_from(tokens, at.get(_REQUESTS, 0.0) / 1000)))
    return tuple(bands)


def _price_at(price: Price, input_tokens: int) -> float:
    """The list price for a request of that size: USD per million tokens, or per thousand requests."""
    if isinstance(price, Decimal):
        return float(price)
    value = price.base
    for tier in price.tiers:
        if input_tokens > tier.start:
            value = tier.price
    return float(value)


def _billed_otherwise(side: str, other: str, prices: Mapping[str, Price]) -> bool:
    """Whether a side without a price per token costs money in another unit, so that free would be wrong.

    A model with neither input nor output price bills audio hours, characters or pages, unless all it has is a fee per
    request. A model with one of them (embeddings) has the other side free, unless a modality of it is priced.
    """
    if f"{other}_mtok" not in prices:
        return bool(prices.keys() - {_REQUESTS})
    return any(key.startswith(f"{side}_") for key in prices)


def period(changes: Iterator[int], ns: int) -> tuple[int, int]:
    """The longest ``(since, until)`` around a positive ``ns`` without a change in it.

    ``since`` is positive, so that a call without a start time is in no period until it has been given one.
    """
    since, until = 1, NEVER_NS
    for change in changes:
        if change <= ns:
            since = max(since, change)
        else:
            until = min(until, change)
    return since, until
