"""OTLP/JSON request bodies, read into objects with the attributes that the lean messages have.

The JSON encoding of OTLP differs from protobuf's own: ids are hexadecimal, enums are numbers, unknown members are
ignored. 64-bit integers may be numbers or strings. Some senders write ids in base64, as protobuf's JSON mapping would.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator
from struct import pack
from typing import Any, Final

import msgspec

_STATUS_CODES: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_KINDS: Final = {
    "SPAN_KIND_UNSPECIFIED": 0, "SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": 2, "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4, "SPAN_KIND_CONSUMER": 5,
}  # fmt: skip
_MAX_NESTING: Final = 16


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
    if not isinstance(document, dict):
        raise BadJson("expected an object with resourceSpans, resourceLogs or resourceMetrics")
    return document


def batches(
    document: dict[str, Any], outer: str, inner: str, leaf: str
) -> Iterator[tuple[bytes, bytes, list[dict[str, Any]]]]:
    """Resource bytes, scope bytes and the items of every scope. Raises ``BadJson`` on a wrong shape."""
    for group in _objects(document, outer):
        resource = _resource(group.get("resource") or {})
        for part in _objects(group, inner):
            scope = part.get("scope") or {}
            name = _text(scope.get("name"))
            yield resource, _field(1, name), _objects(part, leaf)


def _objects(owner: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = owner.get(key)
    if found is None:
        found = owner.get(_snake(key))
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BadJson(f"{key} must be a list of objects")
    return found


def _snake(key: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in key)


def _resource(resource: Any) -> bytes:
    if not isinstance(resource, dict):
        raise BadJson("resource must be an object")
    return b"".join(_field(1, pair) for pair in attributes(resource))


def span(item: dict[str, Any]) -> JsonSpan:
    """One span. Raises ``BadJson`` when a member has a wrong type."""
    status = item.get("status") or {}
    if not isinstance(status, dict):
        raise BadJson("status must be an object")
    return JsonSpan(
        trace_id=_id(item.get("traceId"), 16),
        span_id=_id(item.get("spanId"), 8),
        parent_span_id=_id(item.get("parentSpanId"), 8),
        name=_text(item.get("name")),
        kind=_enum(item.get("kind"), _KINDS),
        start_time_unix_nano=_integer(item.get("startTimeUnixNano")),
        end_time_unix_nano=_integer(item.get("endTimeUnixNano")),
        attributes=attributes(item),
        events=[
            JsonEvent(_integer(event.get("timeUnixNano")), _text(event.get("name")), attributes(event))
            for event in _objects(item, "events")
        ],
        status=JsonStatus(_enum(status.get("code"), _STATUS_CODES), _text(status.get("message"))),
    )


def log(item: dict[str, Any]) -> JsonLog:
    return JsonLog(
        time_unix_nano=_integer(item.get("timeUnixNano")),
        observed_time_unix_nano=_integer(item.get("observedTimeUnixNano")),
        body=any_value(item.get("body")),
        attributes=attributes(item),
        trace_id=_id(item.get("traceId"), 16),
        span_id=_id(item.get("spanId"), 8),
        event_name=_text(item.get("eventName")),
    )


def attributes(owner: dict[str, Any]) -> list[bytes]:
    """Attributes as serialised ``KeyValue`` messages, so that one reader serves both encodings."""
    return [
        _field(1, _text(pair.get("key"))) + _field(2, any_value(pair.get("value")))
        for pair in _objects(owner, "attributes")
    ]


def any_value(value: Any, depth: int = 0) -> bytes:
    """A serialised ``AnyValue``. Raises ``BadJson``."""
    if value is None:
        return b""
    if not isinstance(value, dict) or depth > _MAX_NESTING:
        raise BadJson('an attribute value must be an object such as {"stringValue": "x"}')
    for key, content in value.items():
        match key:
            case "stringValue" | "string_value":
                return _field(1, _text(content))
            case "boolValue" | "bool_value":
                return b"\x10\x01" if content is True or content == "true" else b"\x10\x00"
            case "intValue" | "int_value":
                return b"\x18" + _varint(_integer(content) & 0xFFFF_FFFF_FFFF_FFFF)
            case "doubleValue" | "double_value":
                return b"\x21" + pack("<d", _double(content))
            case "arrayValue" | "array_value":
                items = (content or {}).get("values") or []
                return _field(5, b"".join(_field(1, any_value(item, depth + 1)) for item in items))
            case "kvlistValue" | "kvlist_value":
                pairs = (content or {}).get("values") or []
                return _field(
                    6,
                    b"".join(
                        _field(1, _field(1, _text(p.get("key"))) + _field(2, any_value(p.get("value"), depth + 1)))
                        for p in pairs
                    ),
                )
            case "bytesValue" | "bytes_value":
                return _field(7, _base64(content))
    return b""


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
    if value is None or value == "":
        return 0
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        raise BadJson("expected an integer")
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise BadJson("expected an integer") from None
    if not -(2**63) <= number < 2**64:
        raise BadJson("integer out of range")
    return number


def _double(value: Any) -> float:
    if isinstance(value, str) and value in {"NaN", "Infinity", "-Infinity"}:
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[value]
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadJson("expected a number") from None


def _enum(value: Any, names: dict[str, int]) -> int:
    if isinstance(value, str) and value in names:
        return names[value]
    return _integer(value) if not isinstance(value, str) or value.isdigit() else 0


def _id(value: Any, size: int) -> bytes:
    """An id in hexadecimal or base64; empty when absent; bytes of a wrong length when it is neither."""
    if not value:
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
