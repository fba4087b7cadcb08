"""Reading one attribute from its bytes, against the official classes, however oddly the bytes were written."""

from __future__ import annotations

import math
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from otlp_samples import (
    EDGE_DOUBLES,
    EDGE_INTEGERS,
    any_value,
    delimited,
    plain,
    same,
    texts,
    values,
    varint,
)

from genai_exporter.otlp.values import MAX_NESTING, Malformed, read, split

BROKEN = object()


def ours(pair: bytes) -> Any:
    """Key and value, or BROKEN."""
    try:
        key, raw = split(pair)
        return [key.decode(), read(raw)]
    except Malformed:
        return BROKEN


def official(pair: bytes) -> Any:
    try:
        message = KeyValue.FromString(pair)
    except DecodeError:
        return BROKEN
    return [message.key, plain(message.value)]


def agree(pair: bytes) -> bool:
    left, right = ours(pair), official(pair)
    return left is right or (left is not BROKEN and right is not BROKEN and same(left, right))


# -- bytes that a sender could have written ---------------------------------------------------------------------------

paddings = st.integers(0, 2)
unknown = st.one_of(
    st.builds(lambda n, v: varint(n << 3) + varint(v), st.integers(15, 5000), st.integers(0, 2**64 - 1)),
    st.builds(lambda n, v: varint(n << 3 | 1) + v, st.integers(15, 5000), st.binary(min_size=8, max_size=8)),
    st.builds(lambda n, v: varint(n << 3 | 5) + v, st.integers(15, 5000), st.binary(min_size=4, max_size=4)),
    st.builds(delimited, st.integers(15, 5000), st.binary(max_size=6)),
    st.integers(15, 5000).map(lambda n: varint(n << 3 | 3) + b"\x08\x01" + varint(n << 3 | 4)),
    # Known numbers with another wire type are unknown fields, too.
    st.sampled_from([b"\x08\x05", b"\x15abcd", b"\x11abcdefgh", b"\x28\x01", b"\x3d\x00\x00\x00\x00"]),
)
scalar_members = st.one_of(
    st.builds(lambda text, pad: delimited(1, text.encode(), pad), texts, paddings),
    st.builds(lambda flag, pad: b"\x10" + varint(flag, pad), st.sampled_from([0, 1, 2, 300, 2**64 - 1]), paddings),
    st.builds(
        lambda n, pad: b"\x18" + varint(n % 2**64, pad if n >= 0 else 0), st.sampled_from(EDGE_INTEGERS), paddings
    ),
    st.builds(lambda n: b"\x18" + varint(n % 2**64), st.integers(-(2**63), 2**63 - 1)),
    st.floats().map(lambda x: any_value(x).SerializeToString()),
    st.builds(lambda data, pad: delimited(7, data, pad), st.binary(max_size=9), paddings),
    unknown,
)


def _messages(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """An ``AnyValue`` in pieces, of which the last known one counts."""
    arrays = st.builds(
        lambda items, pad: delimited(5, b"".join(delimited(1, item, pad) for item in items)),
        st.lists(inner, max_size=3),
        paddings,
    )
    maps = st.builds(
        lambda items: delimited(6, b"".join(delimited(1, item) for item in items)), st.lists(_pairs(inner), max_size=3)
    )
    return st.lists(scalar_members | arrays | maps, max_size=3).map(b"".join)


def _pairs(value: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A ``KeyValue`` in pieces, in any order."""
    keys = st.builds(lambda text, pad: delimited(1, text.encode(), pad), texts, paddings)
    contents = st.builds(lambda raw, pad: delimited(2, raw, pad), value, paddings)
    return st.lists(keys | contents | unknown, max_size=4).map(b"".join)


wire_values = st.recursive(scalar_members, _messages, max_leaves=6)
wire_pairs = _pairs(wire_values)


@given(texts, values)
@example("k" * 127, "x")
@example("k" * 128, "x")
@example("k" * 300, 2**63 - 1)
@example("", None)
def test_what_the_official_classes_write_is_read(key: str, value: Any) -> None:
    pair = KeyValue(key=key, value=any_value(value))
    assert agree(pair.SerializeToString())
    assert same(ours(pair.SerializeToString()), [key, plain(any_value(value))])


@given(wire_pairs)
@example(delimited(2, b"\x18\x05\x10\x01") + delimited(1, b"k"))  # an integer, then a flag that replaces it
@example(delimited(1, b"k") + delimited(2, b"\x2a\x04\x0a\x02\x18\x01\x2a\x04\x0a\x02\x18\x02"))  # one array, in halves
@example(delimited(1, b"k") + delimited(2, b"\x18\x01") + delimited(2, b"\x0a\x01x"))  # one value, in halves
@example(delimited(1, b"j") + delimited(2, b"\x18\x01") + delimited(1, b"k"))  # two keys
def test_what_any_writer_may_write_is_read(pair: bytes) -> None:
    assert agree(pair)


@given(wire_pairs | st.builds(lambda k, v: KeyValue(key=k, value=any_value(v)).SerializeToString(), texts, values))
def test_a_pair_cut_short_is_never_something_else(pair: bytes) -> None:
    """At every byte. A value whose text ends in the middle of a character was cut by nobody: the length says so."""
    for end in range(min(len(pair), 200)):
        assert agree(pair[:end]), pair[:end]


@given(st.binary(max_size=40))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    """Text that is not UTF-8 is where we are more lenient than the official classes, which refuse the request."""
    left, right = _lenient(data), official(data)
    assert right is BROKEN or same(left, right)


def _lenient(data: bytes) -> Any:
    try:
        key, raw = split(data)
        return [key.decode("utf-8", "replace"), read(raw)]
    except Malformed:
        return BROKEN


@given(st.binary(min_size=1, max_size=40))
def test_invalid_utf8_costs_a_character_and_not_the_attribute(data: bytes) -> None:
    expected = data.decode("utf-8", "replace")
    assert read(delimited(1, data)) == expected
    assert read(delimited(5, delimited(1, delimited(1, data)))) == [expected]
    pair = delimited(1, data) + delimited(2, b"\x18\x01")
    assert read(delimited(6, delimited(1, pair))) == {expected: 1}
    assert split(pair) == (data, b"\x18\x01")


@pytest.mark.parametrize("number", EDGE_INTEGERS)
def test_integers_keep_their_value(number: int) -> None:
    assert same(read(AnyValue(int_value=number).SerializeToString()), number)


@pytest.mark.parametrize("number", EDGE_DOUBLES)
def test_doubles_keep_every_bit(number: float) -> None:
    assert same(read(AnyValue(double_value=number).SerializeToString()), number)


def test_no_value_is_not_zero() -> None:
    assert read(b"") is None
    assert split(delimited(1, b"k")) == (b"k", b"")
    assert read(AnyValue(int_value=0).SerializeToString()) == 0
    assert read(AnyValue(string_value="").SerializeToString()) == ""
    assert read(any_value([]).SerializeToString()) == []
    assert read(any_value({}).SerializeToString()) == {}


def test_a_flag_that_does_not_end_is_no_flag() -> None:
    with pytest.raises(Malformed):
        read(b"\x10\x80")


def _nested(depth: int, *, maps: bool) -> bytes:
    value: Any = 1
    for _ in range(depth):
        value = {"k": value} if maps else [value]
    return any_value(value).SerializeToString()


@pytest.mark.parametrize("maps", [False, True])
def test_nesting_has_a_limit_and_the_limit_an_error(maps: bool) -> None:
    allowed = _nested(MAX_NESTING + 1, maps=maps)
    assert same(read(allowed), plain(AnyValue.FromString(allowed)))
    with pytest.raises(Malformed):
        read(_nested(MAX_NESTING + 2, maps=maps))


@pytest.mark.parametrize("tag", [5, 6])
def test_ten_thousand_levels_do_not_exhaust_the_stack(tag: int) -> None:
    raw = b"\x18\x01"
    for _ in range(10_000):
        raw = delimited(5, delimited(1, raw)) if tag == 5 else delimited(6, delimited(1, delimited(2, raw)))
    with pytest.raises(Malformed):
        read(raw)


def test_halves_that_are_no_values_do_not_make_one() -> None:
    """Joined they would be a text; a reader that joins before it looks would accept it."""
    halves = delimited(1, b"k") + delimited(2, b"\x0a\x04ab") + delimited(2, b"cd")
    assert official(halves) is BROKEN
    assert ours(halves) is BROKEN


def test_an_overlong_number_is_the_same_number() -> None:
    assert read(b"\x18" + varint(7, padding=8)) == 7
    with pytest.raises(Malformed):
        read(b"\x18" + b"\x80" * 11 + b"\x00")
    assert math.isnan(read(AnyValue(double_value=math.nan).SerializeToString()))  # type: ignore[arg-type]
