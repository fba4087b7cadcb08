"""Turning attribute values of any type into what a field needs, or saying why that is impossible.

Every function takes the value as it came from the wire and returns ``None`` for "nothing was reported". It raises
``Unusable`` with a reason that becomes a label value, so that a wrong figure is counted and never used.
"""

from __future__ import annotations

import ast
import json
import math
from datetime import UTC, datetime
from typing import Final

import msgspec

from genai_exporter.otlp.values import Value

#: The largest integer that a double holds exactly; more tokens than that in one call are a fault, not a figure.
MAX_TOKENS: Final = 2**53
MAX_TEXT: Final = 1024
_PLACEHOLDERS: Final = frozenset({"NOT_FOUND", "None", "null", "undefined", "<REDACTED>", "<not specified>"})
_MAX_JSON: Final = 262_144


class Unusable(ValueError):
    """The value cannot be what its key says. ``reason`` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


REASONS: Final = ("wrong_type", "not_a_number", "negative", "too_large", "malformed", "bad_json", "bad_time")


def text(value: Value) -> str | None:
    """A short string; JSON quoting around it is taken off; empty and placeholder text is "not reported"."""
    if isinstance(value, str):
        if value[:1] == '"' and value[-1:] == '"' and len(value) > 1:
            value = value[1:-1]
        value = value.strip()
        if not value or value in _PLACEHOLDERS or value.startswith("[Scrubbed"):
            return None
        return value[:MAX_TEXT]
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and len(value) == 1:
        return text(value[0])
    if isinstance(value, list) and not value:
        return None
    raise Unusable("wrong_type")


def number(value: Value) -> float | None:
    """A finite float, also from a numeric string."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise Unusable("wrong_type")
    if isinstance(value, str):
        try:
            value = float(value.strip().strip('"'))
        except ValueError:
            raise Unusable("not_a_number") from None
    if not isinstance(value, int | float):
        raise Unusable("wrong_type")
    if not math.isfinite(value):
        raise Unusable("not_a_number")
    return value


def tokens(value: Value) -> int | None:
    """A whole, non-negative number of tokens (or any other small count)."""
    if type(value) is int and 0 <= value <= MAX_TOKENS:
        return value
    figure = number(value)
    if figure is None:
        return None
    if figure < 0:
        raise Unusable("negative")
    if figure > MAX_TOKENS:
        raise Unusable("too_large")
    if figure != int(figure):
        raise Unusable("not_a_number")
    return int(figure)


def seconds(value: Value) -> float | None:
    """A non-negative duration; zero means that nothing was measured."""
    figure = number(value)
    if figure is None or figure == 0:
        return None
    if figure < 0:
        raise Unusable("negative")
    if figure > 1e7:
        raise Unusable("too_large")
    return float(figure)


def money(value: Value) -> float | None:
    figure = number(value)
    if figure is None:
        return None
    if figure < 0:
        raise Unusable("negative")
    return float(figure)


def flag(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().strip('"').lower()
        if word in {"true", "1", "yes", "hit"}:
            return True
        if word in {"false", "0", "no", "miss"}:
            return False
        if word in {"", "none", "null"}:
            return None
        raise Unusable("wrong_type")
    if isinstance(value, int | float):
        return value != 0
    if value is None:
        return None
    raise Unusable("wrong_type")


def finish(value: Value) -> tuple[str, ...] | None:
    """Raw finish reasons, one per choice."""
    if isinstance(value, str):
        value = value.strip()
        if value[:1] in {"[", '"'}:
            value = parse_json(value)
    if isinstance(value, str):
        return (value,) if value and value.lower() not in {"none", "null"} else None
    if isinstance(value, list):
        words = tuple(word for word in value if isinstance(word, str) and word)
        return words or None
    if value is None:
        return None
    raise Unusable("wrong_type")


def timestamp(value: Value) -> int | None:
    """Unix nanoseconds from an ISO 8601 string (JSON-quoted once or twice, too) or an integer."""
    if isinstance(value, str):
        word = value.strip().strip('"').strip("\\").strip('"')
        if not word:
            return None
        try:
            moment = datetime.fromisoformat(word.replace("Z", "+00:00"))
        except ValueError:
            raise Unusable("bad_time") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        whole = int(moment.replace(microsecond=0).timestamp())
        return whole * 1_000_000_000 + moment.microsecond * 1000
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if value is None:
        return None
    raise Unusable("bad_time")


def parse_json(value: Value) -> Value:
    """The document inside a string: JSON, or a dict as Python prints it. A structured value is returned as it is."""
    if not isinstance(value, str):
        return value
    if len(value) > _MAX_JSON:
        raise Unusable("too_large")
    try:
        document: Value = msgspec.json.decode(value)
        if isinstance(document, str) and document[:1] in {"{", "["}:
            document = msgspec.json.decode(document)
        return document
    except (msgspec.DecodeError, UnicodeError):
        pass
    if value[:1] == "{" and len(value) < 4096:
        try:
            printed = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            printed = None
        if isinstance(printed, dict):
            return json.loads(json.dumps(printed, default=str))  # type: ignore[no-any-return]
    raise Unusable("bad_json")


def member(document: Value, path: str) -> Value:
    """The value at a dotted path; numbers index lists; ``None`` when it is not there."""
    for part in path.split("."):
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document
