"""The quick ways of reading attributes agree with the slow one, for every row of every dialect table."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from otlp_samples import EDGE_DOUBLES, EDGE_INTEGERS, any_value, delimited, same, varint

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Kind, Row
from genai_exporter.dialects.plan import Plan
from genai_exporter.dialects.registry import DIALECTS
from genai_exporter.normalise import Normaliser

#: Keys of a user's own, one of them claimed by a table, too.
EXTRA = (
    Row("acme.tenant", f.SEGMENT, 1),
    Row("gen_ai.prompt.name", f.FLOW, 1),
    Row("user.id", f.SEGMENT, 2),
)
ROWS = [row for dialect in DIALECTS for row in dialect.rows] + list(EXTRA)
KINDS = sorted({row.kind for row in ROWS}, key=lambda kind: kind.value)

VALUES: list[Any] = [
    None, True, False, "", "x", "gpt-4o", ' "quoted" ', '"7"', "12", "1.5", "-3", "nan", "true", "hit", "None", "chat",
    "agent", "llm", "embedding", "tool", "2026-11-20T10:00:00Z", '["stop","length"]', "[]", '{"input": 5, "total": 7}',
    "{'cache_read': 3}", '{"input_tokens": -5}', "{broken", "x" * 60, "x" * 124, "x" * 125, "x" * 130, "ü" * 70,
    ["stop"], ["stop", "tool_calls"], [1], [], ["a", "b"], {"input": 5}, {}, b"bytes", *EDGE_INTEGERS, *EDGE_DOUBLES,
]  # fmt: skip


def concrete(row: Row) -> list[str]:
    if not row.pattern:
        return [row.key]
    if row.kind is Kind.EVALUATION:
        head = row.key.removesuffix("*").replace("*", "0")
        return [head + part for part in ("name", "score", "label", "annotator_kind", "other")]
    return [row.key.replace("*", "0"), row.key.replace("*", "17")]


def odd_spellings(key: bytes, raw: bytes) -> Iterator[bytes]:
    """The same pair as other writers could spell it. None of them takes the quick way."""
    plain_key, plain_value = delimited(1, key), delimited(2, raw)
    yield delimited(1, key, padding=1) + plain_value
    yield plain_key + delimited(2, raw, padding=2)
    yield plain_value + plain_key
    yield plain_key + plain_value + delimited(99, b"later version")
    yield varint(77 << 3) + b"\x01" + plain_key + plain_value
    yield delimited(1, b"another.key") + plain_key + plain_value
    if raw:
        yield plain_key + delimited(2, b"\x0a\x03old") + plain_value
        yield plain_key + delimited(2, b"\x10\x01" + raw)
        yield plain_key + delimited(2, raw + varint(99 << 3) + b"\x05")


class Reading:
    """What a fresh normaliser makes of some pairs."""

    def __init__(self, *pairs: bytes, normaliser: Normaliser | None = None) -> None:
        reader = normaliser or Normaliser(PLAN)
        before = copy.copy(reader.invalid)
        self.values, self.ranks = reader.attributes(pairs)
        self.evaluations = [repr(one) for one in reader.take_evaluations()]
        self.invalid = reader.invalid - before

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Reading)
            and same([_listed(value) for value in self.values], [_listed(value) for value in other.values])
            and self.ranks == other.ranks
            and self.evaluations == other.evaluations
            and self.invalid == other.invalid
        )

    def __hash__(self) -> int:
        raise TypeError

    def __repr__(self) -> str:
        told = {f.FIELD_NAMES[slot]: value for slot, value in enumerate(self.values) if value is not None}
        return f"{told} {self.evaluations} {dict(self.invalid)}"


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


PLAN = Plan(DIALECTS, EXTRA)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_every_spelling_of_a_pair_reads_the_same(kind: Kind) -> None:
    seen = 0
    for row in (one for one in ROWS if one.kind is kind):
        for key in concrete(row):
            for value in VALUES:
                raw = any_value(value).SerializeToString()
                pair = KeyValue(key=key, value=any_value(value)).SerializeToString()
                reader = Normaliser(PLAN)
                first = Reading(pair, normaliser=reader)
                assert Reading(pair, normaliser=reader) == first, ("the second time", key, value)
                for odd in odd_spellings(key.encode(), raw):
                    assert Reading(odd) == first, (key, value, odd)
                seen += 1
    assert seen >= len(VALUES)


def test_whole_numbers_of_every_width_are_read_right() -> None:
    """The quick way unrolls varints of up to three bytes; around each edge it must hand over to the slow one."""
    key = "gen_ai.usage.input_tokens"
    for power in range(29):
        for number in {2**power - 1, 2**power, 2**power + 1, 3 * 2**power}:
            values = Reading(KeyValue(key=key, value=any_value(number)).SerializeToString()).values
            assert values[f.INPUT] == number


def test_a_number_that_another_member_replaces_is_not_read() -> None:
    """``int 5`` and then ``bool true`` in one value is a flag: no number of tokens, whatever the bytes look like."""
    for raw in (b"\x18\x05\x10\x01", b"\x18\x85\x01\x10\x01", b"\x18\x05\x18\x07", b"\x18\x05\x0a\x00", b"\x18\x80"):
        pair = delimited(1, b"gen_ai.usage.input_tokens") + delimited(2, raw)
        expected = {b"\x18\x05\x18\x07": 7}.get(raw)
        reading = Reading(pair)
        assert reading.values[f.INPUT] == expected, raw
        assert sum(reading.invalid.values()) == (expected is None and raw != b"\x18\x05\x0a\x00"), raw


@pytest.mark.parametrize("length", [126, 127, 128, 129, 200, 300, 20_000])
def test_long_keys_are_read(length: int) -> None:
    key = "k" * length
    plan = Plan(DIALECTS, (Row(key, f.SEGMENT, 1), Row(key + "n", f.INPUT, 1, Kind.TOKENS)))
    told = [
        KeyValue(key=key, value=any_value("gold")).SerializeToString(),
        KeyValue(key=key + "n", value=any_value(300)).SerializeToString(),
        KeyValue(key=key + "x", value=any_value("silver")).SerializeToString(),
    ]
    for _ in range(2):
        reading = Reading(*told, normaliser=Normaliser(plan))
        assert reading.values[f.SEGMENT] == "gold"
        assert reading.values[f.INPUT] == 300


def test_a_key_with_two_meanings_has_both_every_time() -> None:
    """A user may map a key that a table reads as well; remembering the pair must not forget one of the two."""
    reader = Normaliser(PLAN)
    for _ in range(3):
        values, _ = reader.attributes(
            [
                KeyValue(key="gen_ai.prompt.name", value=any_value("answer")).SerializeToString(),
                KeyValue(key="user.id", value=any_value("u1")).SerializeToString(),
            ]
        )
        assert (values[f.PROMPT_NAME], values[f.FLOW]) == ("answer", "answer")
        assert (values[f.USER], values[f.SEGMENT]) == ("u1", "u1")


def test_every_pair_cut_short_counts_or_says_nothing() -> None:
    """Truncated bytes of an attribute that counts are counted as malformed and never read as a figure."""
    pair = KeyValue(key="gen_ai.usage.input_tokens", value=any_value(70_000)).SerializeToString()
    for end in range(1, len(pair)):
        reading = Reading(pair[:end])
        assert reading.values[f.INPUT] is None
        told_nothing = pair[:end] in (delimited(1, b"gen_ai.usage.input_tokens"),)
        assert reading.invalid["malformed"] == (not told_nothing), pair[:end]


def test_the_order_of_attributes_never_decides() -> None:
    told = {
        "gen_ai.usage.input_tokens": 11, "gen_ai.usage.prompt_tokens": 12, "llm.usage.prompt_tokens": 13,
        "llm.token_count.prompt": 14, "ai.usage.promptTokens": 15, "gen_ai.request.model": "a", "llm.model_name": "b",
        "langfuse.observation.usage_details": json.dumps({"input": 16, "output": 3}), "gen_ai.usage.output_tokens": 4,
    }  # fmt: skip
    serial = [KeyValue(key=key, value=any_value(value)).SerializeToString() for key, value in told.items()]
    first = Reading(*serial)
    assert first.values[f.INPUT] == 11
    for turn in range(len(serial)):
        turned = serial[turn:] + serial[:turn]
        assert Reading(*turned) == first
        assert Reading(*reversed(turned)) == first
    assert math.isfinite(first.values[f.OUTPUT])
