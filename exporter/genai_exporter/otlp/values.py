"""Reading one attribute from its wire bytes.

Almost every attribute that SDKs send has the shape *key, value* with lengths below 128 bytes and one member set. Those
are read by slicing. Anything else (long keys, fields out of order, repeated fields, negative numbers written long)
takes the slow path through the lean message classes, so both paths always agree with the protobuf encoding.
"""

from __future__ import annotations

from struct import unpack_from
from typing import Final

from google.protobuf.message import DecodeError

from genai_exporter.otlp import lean

Scalar = str | bool | int | float | bytes | None
Value = Scalar | list["Value"] | dict[str, "Value"]

#: How deep arrays and maps may be nested in one attribute.
MAX_NESTING: Final = 16


class Malformed(ValueError):
    """The bytes of an attribute are not a valid OTLP attribute."""


def split(pair: bytes) -> tuple[bytes, bytes]:
    """Key and value bytes of one serialised ``KeyValue``. Raises ``Malformed``."""
    try:
        if pair[0] == 0x0A:
            end = pair[1] + 2
            if end < 130 and pair[end] == 0x12:
                length = pair[end + 1]
                start = end + 2
                if length > 127:
                    length, start = _varint(pair, end + 1)
                if start + length == len(pair):
                    return pair[2:end], pair[start:]
    except IndexError:
        pass
    try:
        message = lean.KeyValue.FromString(pair)
        pieces = message.value
        if len(pieces) > 1:
            for piece in pieces:  # joining must not make a value out of two halves that are none
                lean.AnyValue.FromString(piece)
    except DecodeError as error:
        raise Malformed("not a key-value pair") from error
    return message.key, b"".join(pieces)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Value and next position of the varint at ``position``. Raises ``IndexError`` when it does not end."""
    shift = value = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise IndexError


def read(raw: bytes, depth: int = 0) -> Value:
    """The Python value of a serialised ``AnyValue``; ``None`` when no member is set. Raises ``Malformed``."""
    if not raw:
        return None
    tag = raw[0]
    size = len(raw)
    try:
        if tag == 0x0A:
            length, start = (raw[1], 2) if raw[1] < 0x80 else _varint(raw, 1)
            if start + length == size:
                return raw[start:].decode("utf-8", "replace")
        elif tag == 0x18:
            number, end = _varint(raw, 1)
            if end == size and number < 1 << 63:
                return number
        elif tag == 0x21:
            if size == 9:
                value: float = unpack_from("<d", raw, 1)[0]
                return value
        elif tag == 0x10 and size == 2 and raw[1] < 0x80:
            return raw[1] != 0
    except IndexError:
        pass
    return _read_slow(raw, depth)


def _read_slow(raw: bytes, depth: int) -> Value:
    if depth > MAX_NESTING:
        raise Malformed("nested too deeply")
    try:
        message = lean.AnyValue.FromString(raw)
        member = message.WhichOneof("value")
        if member is None:
            return None
        value = getattr(message, member)
        if member == "string_value":
            return bytes(value).decode("utf-8", "replace")
        if member == "array_value":
            return [read(item, depth + 1) for item in value.values]
        if member == "kvlist_value":
            return {key.decode("utf-8", "replace"): read(item, depth + 1) for key, item in map(split, value.values)}
        scalar: Scalar = value
        return scalar
    except DecodeError as error:
        raise Malformed("not an attribute value") from error
