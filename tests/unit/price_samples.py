"""What the price tests share: calls with a few fields set, and one pricer on the bundled prices."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

from genai_exporter.price import Pricer
from genai_exporter.price.book import PriceBook
from genai_exporter.records import Call

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)

_BLANK: dict[str, Any] = dict.fromkeys(Call.__struct_fields__, "") | {
    "trace_id": b"t" * 16,
    "span_id": b"s" * 8,
    "start_ns": int(NOW.timestamp()) * 10**9,
    "duration_s": 1.0,
    "streaming": False,
    "ttft_s": None,
    "input_tokens": None,
    "output_tokens": None,
    "cache_read_tokens": None,
    "cache_write_tokens": None,
    "cache_write_1h_tokens": None,
    "reasoning_tokens": None,
    "reported_cost_usd": None,
    "batch": False,
    "refusal": False,
    "regenerated": False,
    "retries": 0,
    "response_cache_hit": None,
}


def make_call(provider: str = "", model: str = "", *, at: dt.datetime | None = None, **fields: Any) -> Call:
    """A call to ``model`` (as requested), made at ``at`` or NOW, with no tokens unless given."""
    if at is not None:
        fields["start_ns"] = int(at.timestamp() * 1_000_000) * 1000
    return Call(**{**_BLANK, "provider": provider, "request_model": model, **fields})


@functools.cache
def book() -> PriceBook:
    return PriceBook()


@functools.cache
def pricer() -> Pricer:
    return Pricer(book=book())
