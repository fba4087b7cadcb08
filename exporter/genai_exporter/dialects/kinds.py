"""How a value of each kind is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from genai_exporter.dialects.fields import BUCKETS, Kind
from genai_exporter.otlp import convert
from genai_exporter.otlp.values import Value


def _milliseconds(value: Value) -> float | None:
    figure = convert.seconds(value)
    return None if figure is None else figure / 1000


def _by_type(value: Value) -> float | None:
    return _milliseconds(value) if isinstance(value, int) else convert.seconds(value)


def _status(value: Value) -> int | None:
    if isinstance(value, str):
        word = value.strip().strip('"')
        return int(word) if word.isdecimal() and len(word) < 4 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _bucket(value: Value) -> str | None:
    return BUCKETS if convert.tokens(value) else None


#: A reader returns ``None`` for "nothing was reported" and raises ``Unusable`` for what cannot be.
CONVERT: Final[dict[Kind, Callable[[Value], object]]] = {
    Kind.TEXT: convert.text,
    Kind.IDENTIFIER: convert.text,
    Kind.TOKENS: convert.tokens,
    Kind.SECONDS: convert.seconds,
    Kind.MILLISECONDS: _milliseconds,
    Kind.TTFT_BY_TYPE: _by_type,
    Kind.MONEY: convert.money,
    Kind.FLAG: convert.flag,
    Kind.FINISH: convert.finish,
    Kind.TIMESTAMP: convert.timestamp,
    Kind.RATING: convert.text,
    Kind.STATUS: _status,
    Kind.BUCKET: _bucket,
}
