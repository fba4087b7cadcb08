"""Rates per token, and the arithmetic from the tokens of a call to dollars.

A call's tokens are first parted into disjoint kinds (:func:`split`), then each kind is billed at its rate
(:func:`amount`). The explanation of a price starts from the same two.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genai_exporter.records import Call

UNKNOWN = math.nan
"""A rate that exists but that nobody can express per token (audio billed by the hour, a missing side of an entry)."""

NEVER_NS = 1 << 127
"""Later than every Unix time in nanoseconds."""

NO_BAND = 1 << 127
"""More input tokens than any request has."""

_PER_MTOK = 1e-6


class Cost(msgspec.Struct, frozen=True, gc=False):
    """The price of one call. ``usd`` is None when there is none; ``source`` is reported, computed or ``""``.

    A call without token counts and a call of an unknown model both have ``usd`` None: the counts on the call tell
    them apart, and only the second is unpriced.
    """

    usd: float | None
    source: str


UNPRICED = Cost(None, "")
FREE = Cost(0.0, "computed")


class Rates(msgspec.Struct, frozen=True, gc=False):
    """US dollars per token of each disjoint kind, and ``request`` in US dollars per call."""

    input: float
    cache_read: float
    cache_write: float
    cache_write_1h: float
    output: float
    reasoning: float
    request: float


class Tokens(msgspec.Struct, frozen=True, gc=False):
    """The tokens of a call in disjoint parts: every token is in exactly one of :data:`PARTS`, billed at one rate.

    ``total_input`` is what thresholds compare with: all input, cached or not.
    """

    input: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    output: int
    reasoning: int
    total_input: int


PARTS = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
"""The parts of :class:`Tokens`, each the name of its rate in :class:`Rates`."""

Bands = tuple[tuple[int, Rates], ...]
"""Rates by size of the request, ascending: each entry holds above that many input tokens. The first starts at -1."""


class Era(msgspec.Struct, frozen=True, gc=False):
    """A period in which the price of a model does not change: ``since_ns <= start of call < until_ns``.

    ``bands`` is empty when nothing is known about the price. ``rule`` says where the rates came from.
    """

    since_ns: int
    until_ns: int
    bands: Bands
    rates: Rates | None
    next_band: int
    rule: object

    @classmethod
    def of(cls, since_ns: int, until_ns: int, bands: Bands, rule: object) -> Era:
        rates = bands[0][1] if bands else None
        return cls(since_ns, until_ns, bands, rates, bands[1][0] if len(bands) > 1 else NO_BAND, rule)

    def rates_for(self, input_tokens: int) -> Rates | None:
        """The rates of a request with that many input tokens: past a threshold, they hold for the whole request."""
        rates = self.rates
        for above, candidate in self.bands[1:]:
            if input_tokens > above:
                rates = candidate
        return rates


def rates_from(usd_per_mtok: Mapping[str, float], request_usd: float = 0.0) -> Rates:
    """Fill in the rates that a price list leaves out.

    ``usd_per_mtok`` has the keys input and output (UNKNOWN allowed) and any of cache_read, cache_write,
    cache_write_5m, cache_write_1h, reasoning. A token without a rate of its own is billed as the wider kind it
    belongs to: a cached token as input, a reasoning token as output.
    """
    base = usd_per_mtok["input"]
    output = usd_per_mtok["output"]
    write = usd_per_mtok.get("cache_write", base)
    return Rates(
        input=base * _PER_MTOK,
        cache_read=usd_per_mtok.get("cache_read", base) * _PER_MTOK,
        cache_write=usd_per_mtok.get("cache_write_5m", write) * _PER_MTOK,
        cache_write_1h=usd_per_mtok.get("cache_write_1h", write) * _PER_MTOK,
        output=output * _PER_MTOK,
        reasoning=usd_per_mtok.get("reasoning", output) * _PER_MTOK,
        request=request_usd,
    )


def split(call: Call) -> Tokens:
    """Part the tokens of a call. A part larger than its whole is cut to the whole, so no token is billed twice.

    ``cache_write_tokens`` includes the one-hour ones. A missing whole is taken to be the sum of its parts.
    """
    read = call.cache_read_tokens or 0
    write = call.cache_write_tokens or 0
    hour = call.cache_write_1h_tokens or 0
    reasoning = call.reasoning_tokens or 0
    if hour > write:
        write = hour
    total = call.input_tokens
    if total is None:
        total = read + write
    output = call.output_tokens
    if output is None:
        output = reasoning
    if read > total:  # not max() and min(): two calls cost as much as all the rest
        read = total
    if write > total - read:
        write = total - read
    if hour > write:
        hour = write
    if reasoning > output:
        reasoning = output
    return Tokens(total - read - write, read, write - hour, hour, output - reasoning, reasoning, total)


def amount(rates: Rates, tokens: Tokens) -> float | None:
    """US dollars, or None when a part with tokens in it has no rate."""
    usd = (
        rates.request
        + tokens.input * rates.input
        + tokens.cache_read * rates.cache_read
        + tokens.cache_write * rates.cache_write
        + tokens.cache_write_1h * rates.cache_write_1h
        + tokens.output * rates.output
        + tokens.reasoning * rates.reasoning
    )
    if usd == usd:
        return usd
    # Some rate is unknown. It matters only when it has tokens: 0 * NaN is NaN too.
    total = rates.request
    for field in PARTS:
        count = getattr(tokens, field)
        if count:
            total += count * getattr(rates, field)
    return total if total == total else None
