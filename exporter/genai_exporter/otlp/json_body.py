"""OTLP/JSON request bodies, read into objects with the attributes that the lean messages have.

The JSON encoding of OTLP differs from protobuf's own: ids are hexadecimal, enums are numbers, unknown members are
ignored. 64-bit integers may be numbers or strings. Some senders write ids in base64, names in snake case and enums by
name, as protobuf's JSON mapping would.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterator
from functools import cache
from struct import pack
from typing import Any, Final

import msgspec

from genai_exporter.otlp.values import MAX_NESTING

_STATUS_CODES: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_KINDS: Final = {
    "SPAN_KIND_UNSPECIFIED": 0, "SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": 2, "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4, "SPAN_KIND_CONSUMER": 5,
}  # fmt: skip
#: An attribute value that no reader accepts: what stands here was nested too deeply, which costs that attribute only.
_UNREADABLE: Final = b"\x0a"
_UINT64: Final = 2**64
_MAX_DIGITS: Final = 32
_MAX_ENUM: Final = 2**31


class BadJson(ValueError):
    """The body is not an OTLP/JSON request."""


class JsonStatus(msgspec.Struct):
    code: int = 0
    message: bytes = b""


class JsonEvent(msgspec.Struct):
    time_unix_nano: int
    name: bytes
    attributes: list[bytes]


class JsonSpan(msgspec.Struct):
    """A span with the members of the lean ``Span`` message."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    name: bytes
    kind: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: list[bytes]
    events: list[JsonEvent]
    status: JsonStatus


class JsonLog(msgspec.Struct):
    """A log record with the members of the lean ``LogRecord`` message."""

    time_unix_nano: int
    observed_time_unix_nano: int
    body: bytes
    attributes: list[bytes]
    trace_id: bytes
    span_id: bytes
    event_name: bytes


def decode(body: bytes) -> dict[str, Any]:
    """The request as plain objects. Raises ``BadJson``."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadJson(f"not JSON: {error}") from error
    return expect_object(document, "the request")


def batches(
    document: dict[str, Any], outer: str, inner: str, leaf: str
) -> Iterator[tuple[bytes, bytes, list[dict[str, Any]]]]:
    """Resource bytes, scope bytes and the items of every scope. Raises ``BadJson`` on a wrong shape."""
    for group in objects(document, outer):
        resource = b"".join(_field(1, pair) for pair in attributes(expect_object(group.get("resource"), "resource")))
        for part in objects(group, inner):
            scope = expect_object(part.get("scope"), "scope")
            yield resource, _field(1, _text(scope.get("name"))), objects(part, leaf)


def expect_object(value: Any, what: str) -> dict[str, Any]:
    """An object, empty when absent. Raises ``BadJson`` when the value is anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadJson(f"{what} must be an object")
    return value


@cache
def _snake(key: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in key)


def member(owner: dict[str, Any], key: str) -> Any:
    """The member of that name in camel case, or else in snake case; ``None`` when there is neither."""
    found = owner.get(key)
    return owner.get(_snake(key)) if found is None else found


def objects(owner: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """A member that is a list of objects, empty when absent. Raises ``BadJson`` when it is anything else."""
    found = member(owner, key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BadJson(f"{key} must be a list of objects")
    return found


def span(item: dict[str, Any]) -> JsonSpan:
    """One span. Raises ``BadJson`` when a member has a wrong type."""
    status = expect_object(item.get("status"), "status")
    return JsonSpan(
        trace_id=_id(member(item, "traceId"), 16),
        span_id=_id(member(item, "spanId"), 8),
        parent_span_id=_id(member(item, "parentSpanId"), 8),
        name=_text(item.get("name")),
        kind=_enum(item.get("kind"), _KINDS),
        start_time_unix_nano=_time(member(item, "startTimeUnixNano")),
        end_time_unix_nano=_time(member(item, "endTimeUnixNano")),
        attributes=attributes(item),
        events=[
            JsonEvent(_time(member(event, "timeUnixNano")), _text(event.get("name")), attributes(event))
            for event in objects(item, "events")
        ],
        status=JsonStatus(_enum(status.get("code"), _STATUS_CODES), _text(status.get("message"))),
    )


def log(item: dict[str, Any]) -> JsonLog:
    """One log record. Raises ``BadJson`` when a member has a wrong type."""
    return JsonLog(
        time_unix_nano=_time(member(item, "timeUnixNano")),
        observed_time_unix_nano=_time(member(item, "observedTimeUnixNano")),
        body=any_value(item.get("body")),
        attributes=attributes(item),
        trace_id=_id(member(item, "traceId"), 16),
        span_id=_id(member(item, "spanId"), 8),
        event_name=_text(member(item, "eventName")),
    )


def attributes(owner: dict[str, Any]) -> list[bytes]:
    """Attributes as serialised ``KeyValue`` messages, so that one reader serves both encodings."""
    return [_pair(pair, 0) for pair in objects(owner, "attributes")]


def _pair(pair: dict[str, Any], depth: int) -> bytes:
    return _field(1, _text(pair.get("key"))) + _field(2, any_value(pair.get("value"), depth))


def any_value(value: Any, depth: int = 0) -> bytes:
    """A serialised ``AnyValue``. Raises ``BadJson``."""
    if value is None:
        return b""
    if not isinstance(value, dict):
        raise BadJson('an attribute value must be an object such as {"stringValue": "x"}')
    found = b""
    for key, content in value.items():
        known = _MEMBERS.get(key)
        if known is None or content is None:
            continue
        if found:
            raise BadJson("an attribute value must have one member")
        found = known(content, depth)
    return found


def _integer_value(content: Any, depth: int) -> bytes:
    """What fits no ``int64`` goes on as the double it resembles: the attribute's own rule refuses it by reason."""
    if isinstance(content, float) and not content.is_integer():
        return _double_value(content, depth)
    number = _integer(content)
    if not -(2**63) <= number < 2**63:
        return _double_value(number, depth)
    return b"\x18" + _varint(number % _UINT64)


def _double_value(content: Any, depth: int) -> bytes:
    return b"\x21" + pack("<d", _double(content))


def _bool_value(content: Any, depth: int) -> bytes:
    if isinstance(content, str) and content in {"true", "false"}:
        content = content == "true"
    if not isinstance(content, bool):
        raise BadJson("expected true or false")
    return b"\x10\x01" if content else b"\x10\x00"


def _array_value(content: Any, depth: int) -> bytes:
    if depth > MAX_NESTING:
        return _UNREADABLE
    items = expect_object(content, "arrayValue").get("values")
    if not isinstance(items, list | None):
        raise BadJson("values must be a list")
    return _field(5, b"".join(_field(1, any_value(item, depth + 1)) for item in items or ()))


def _kvlist_value(content: Any, depth: int) -> bytes:
    if depth > MAX_NESTING:
        return _UNREADABLE
    pairs = objects(expect_object(content, "kvlistValue"), "values")
    return _field(6, b"".join(_field(1, _pair(pair, depth + 1)) for pair in pairs))


_CAMEL_MEMBERS: Final[dict[str, Callable[[Any, int], bytes]]] = {
    "stringValue": lambda content, depth: _field(1, _text(content)),
    "boolValue": _bool_value,
    "intValue": _integer_value,
    "doubleValue": _double_value,
    "arrayValue": _array_value,
    "kvlistValue": _kvlist_value,
    "bytesValue": lambda content, depth: _field(7, _base64(content)),
}
_MEMBERS: Final = _CAMEL_MEMBERS | {_snake(key): value for key, value in _CAMEL_MEMBERS.items()}


def _field(number: int, payload: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _text(value: Any) -> bytes:
    if value is None:
        return b""
    if not isinstance(value, str):
        raise BadJson(f"expected a string, got {type(value).__name__}")
    return value.encode("utf-8", "replace")


def _integer(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) < _MAX_DIGITS and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadJson("expected an integer")
    return value


def _time(value: Any) -> int:
    if value is None or value == "":
        return 0
    number = _integer(value)
    if not 0 <= number < _UINT64:
        raise BadJson("a time must be Unix nanoseconds")
    return number


def _double(value: Any) -> float:
    if isinstance(value, str) and value in {"NaN", "Infinity", "-Infinity"}:
        return float(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadJson("expected a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except ValueError:
        raise BadJson("expected a number") from None


def _enum(value: Any, names: dict[str, int]) -> int:
    if value is None:
        return 0
    if isinstance(value, str) and not value.isdecimal():
        return names.get(value, 0)
    number = _integer(value)
    return number if 0 <= number < _MAX_ENUM else 0


def _id(value: Any, size: int) -> bytes:
    """An id in hexadecimal or base64; empty when absent; bytes of a wrong length when it is neither."""
    if value is None:
        return b""
    if not isinstance(value, str):
        raise BadJson("an id must be a string")
    if len(value) == size * 2:
        try:
            return bytes.fromhex(value)
        except ValueError:
            pass
    return _base64(value) if len(value) % 4 == 0 else b"?"


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise BadJson("expected a base64 string")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b"?"
