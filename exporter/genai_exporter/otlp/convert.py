"""Turning attribute values of any type into what a field needs, or saying why that is impossible.

Every function takes the value as it came from the wire and returns ``None`` for "nothing was reported". It raises
``Unusable`` with a reason that becomes a label value, so that a wrong figure is counted and never used.
"""

from __future__ import annotations

import ast
import json
import math
import re
from datetime import UTC, datetime
from typing import Final

import msgspec

from genai_exporter.otlp.values import Value

#: No model takes or gives as many tokens in one call. A larger figure is a fault, and one would spoil a sum for good.
MAX_TOKENS: Final = 10**9
#: US dollars for one call; the same reason.
MAX_MONEY: Final = 1e6
#: Seconds, 115 days: what lasts longer was measured by a broken clock.
MAX_SECONDS: Final = 1e7
MAX_TEXT: Final = 1024
#: No number and no time needs more characters.
_MAX_FIGURE: Final = 64
_MAX_REASON: Final = 64
_MAX_REASONS: Final = 16
_PLACEHOLDERS: Final = frozenset({"NOT_FOUND", "None", "null", "undefined", "<REDACTED>", "<not specified>"})
_MAX_JSON: Final = 262_144
_MAX_PRINTED: Final = 4_096
#: Text with no other escapes than those that Python prints; it warns about others when it reads them.
_PRINTED: Final = re.compile(r"(?:[^\\]+|\\[\\'\"nrtxuU])*+", re.DOTALL)


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
        return _printed(value)
    if isinstance(value, list) and len(value) == 1:
        return text(value[0])
    if isinstance(value, list) and not value:
        return None
    raise Unusable("wrong_type")


def _printed(value: float) -> str:
    try:
        return str(value)[:MAX_TEXT]
    except ValueError:  # Python refuses to print integers of thousands of digits
        raise Unusable("too_large") from None


def number(value: Value) -> float | None:
    """A finite float, also from a numeric string."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise Unusable("wrong_type")
    if isinstance(value, str):
        if len(value) > _MAX_FIGURE:
            raise Unusable("not_a_number")
        try:
            value = float(value.strip().strip('"'))
        except ValueError:
            raise Unusable("not_a_number") from None
    if not isinstance(value, int | float):
        raise Unusable("wrong_type")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an integer that no double can hold
        raise Unusable("too_large") from None
    if not finite:
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
    if figure > MAX_SECONDS:
        raise Unusable("too_large")
    return float(figure)


def money(value: Value) -> float | None:
    figure = number(value)
    if figure is None:
        return None
    if figure < 0:
        raise Unusable("negative")
    if figure > MAX_MONEY:
        raise Unusable("too_large")
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
        return number(value) != 0
    if value is None:
        return None
    raise Unusable("wrong_type")


def finish(value: Value) -> tuple[str, ...] | None:
    """Raw finish reasons: the different ones among the choices, in their order."""
    if isinstance(value, str):
        value = value.strip()
        if value[:1] in {"[", '"'}:
            value = parse_json(value)
    if isinstance(value, str):
        value = value[:_MAX_REASON]
        return (value,) if value and value.lower() not in {"none", "null"} else None
    if isinstance(value, list):
        words = dict.fromkeys(word[:_MAX_REASON] for word in value if isinstance(word, str) and word)
        if not words and any(word is not None and word != "" for word in value):
            raise Unusable("wrong_type")
        return tuple(words)[:_MAX_REASONS] or None
    if value is None:
        return None
    raise Unusable("wrong_type")


def timestamp(value: Value) -> int | None:
    """Unix nanoseconds from an ISO 8601 string (JSON-quoted once or twice, too) or an integer."""
    if isinstance(value, str):
        if len(value) > _MAX_FIGURE:
            raise Unusable("bad_time")
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
        value = whole * 1_000_000_000 + moment.microsecond * 1000
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**64:
        return value
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
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    if value[:1] == "{" and len(value) < _MAX_PRINTED and _PRINTED.fullmatch(value):
        try:
            return _evaluated(value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            pass
    raise Unusable("bad_json")


def _evaluated(printed: str) -> Value:
    """The dict that Python printed, of values that JSON knows. Raises many things on what is none."""
    found = ast.literal_eval(printed)
    if not isinstance(found, dict):
        raise ValueError
    text = json.dumps(found, default=str, skipkeys=True, ensure_ascii=False)
    text.encode()  # raises on half a surrogate pair, which no label value could hold
    document: Value = json.loads(text)
    return document


def member(document: Value, path: str) -> Value:
    """The value at a dotted path; numbers index lists; ``None`` when it is not there."""
    for part in path.split("."):
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document
