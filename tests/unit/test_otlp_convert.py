"""Attribute values of any type become what a field needs, or are refused with a reason; nothing in between."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from otlp_samples import START, values

from genai_exporter.dialects.kinds import CONVERT
from genai_exporter.otlp import convert
from genai_exporter.otlp.convert import REASONS, Unusable

FUNCTIONS = [*dict.fromkeys(CONVERT.values()), convert.parse_json]
integers = st.integers(-(10**400), 10**400)
anything = st.recursive(
    values | integers | st.text(alphabet="{}[]()\"',:0123456789eE.+-_ \\ud", max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def attempt(function: Callable[[Any], Any], value: Any) -> tuple[Any, str]:
    """What a function makes of a value, and the reason when it refuses."""
    try:
        return function(value), ""
    except Unusable as unusable:
        return None, unusable.reason


def reason_of(function: Callable[[Any], Any], value: Any) -> str:
    with pytest.raises(Unusable) as refused:
        function(value)
    return refused.value.reason


@pytest.mark.parametrize("function", FUNCTIONS)
@given(value=anything)
@example(value=10**5000)
@example(value=-(10**5000))
@example(value="9" * 5000)
@example(value=math.nan)
@example(value={"a": [{"b": 10**400}]})
def test_whatever_comes_there_is_a_value_or_a_reason(function: Callable[[Any], Any], value: Any) -> None:
    found, reason = attempt(function, value)
    assert reason == "" or reason in REASONS
    if isinstance(found, float) and function is not convert.parse_json:
        assert math.isfinite(found)
    if isinstance(found, str):
        found.encode()


@given(st.integers(0, convert.MAX_TOKENS))
def test_tokens_are_read_from_every_type_that_can_hold_them(count: int) -> None:
    for spelling in (count, float(count), str(count), f" {count} ", f'"{count}"', f"{count}.0"):
        found = convert.tokens(spelling)
        assert found == count
        assert type(found) is int


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (-1, "negative"), (-0.5, "negative"), ("-7", "negative"), (1.5, "not_a_number"), ("1.5", "not_a_number"),
        (math.nan, "not_a_number"), ("NaN", "not_a_number"), (math.inf, "not_a_number"), ("-inf", "not_a_number"),
        (2**63, "too_large"), (2**63 - 1, "too_large"), (str(2**63), "too_large"), (1e300, "too_large"),
        (10**400, "too_large"), ("many", "not_a_number"), ("0x10", "not_a_number"), (True, "wrong_type"),
        ([5], "wrong_type"), ({"count": 5}, "wrong_type"), (b"5", "wrong_type"), ("9" * 65, "not_a_number"),
        (convert.MAX_TOKENS + 1, "too_large"), (str(2**53 + 1), "too_large"),
    ],
)  # fmt: skip
def test_what_is_no_number_of_tokens_has_a_reason(value: Any, reason: str) -> None:
    assert reason_of(convert.tokens, value) == reason


@pytest.mark.parametrize("function", [convert.tokens, convert.seconds, convert.money, convert.number])
def test_no_value_is_not_zero(function: Callable[[Any], Any]) -> None:
    assert function(None) is None
    assert function("") is None


def test_times_and_money_are_bounded() -> None:
    assert convert.seconds(0) is None  # a clock that was not started
    assert convert.seconds("0.25") == 0.25
    assert reason_of(convert.seconds, 1e8) == "too_large"
    assert reason_of(convert.seconds, -0.1) == "negative"
    assert convert.money("0.0123") == 0.0123
    assert convert.money(0) == 0.0
    assert reason_of(convert.money, 1e300) == "too_large"
    assert reason_of(convert.money, -1) == "negative"


@given(st.text(max_size=3000))
def test_text_is_short_and_can_be_written(text: str) -> None:
    found = convert.text(text.encode("utf-8", "replace").decode())
    assert found is None or 0 < len(found) <= convert.MAX_TEXT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"gpt-4o"', "gpt-4o"), (" gpt-4o ", "gpt-4o"), ("", None), ("None", None), ("<REDACTED>", None),
        ("[Scrubbed due to 'key']", None), (True, "true"), (7, "7"), (["one"], "one"), ([], None), ('"', '"'),
        ('""', None), (None, None),
    ],
)  # fmt: skip
def test_text_sheds_quotes_and_placeholders(value: Any, expected: str | None) -> None:
    assert convert.text(value) == expected


@pytest.mark.parametrize("value", [["a", "b"], {"a": "b"}, b"bytes"])
def test_what_is_no_text_has_a_reason(value: Any) -> None:
    assert reason_of(convert.text, value) == "wrong_type"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["stop"], ("stop",)), ('["stop", "length"]', ("stop", "length")), ('"stop"', ("stop",)), ("stop", ("stop",)),
        (["stop"] * 1000, ("stop",)), (["", None], None), ([], None), ("[]", None), ("none", None), (None, None),
        (["x" * 10_000], ("x" * 64,)), (["stop", 5], ("stop",)),
    ],
)  # fmt: skip
def test_finish_reasons(value: Any, expected: tuple[str, ...] | None) -> None:
    assert convert.finish(value) == expected


@pytest.mark.parametrize(
    ("value", "reason"), [([1, 2], "wrong_type"), ("[stop", "bad_json"), (5, "wrong_type"), ('{"a":1}', None)]
)
def test_what_is_no_finish_reason_has_a_reason(value: Any, reason: str | None) -> None:
    if reason is None:
        assert convert.finish(value) == (value,)  # an unknown word, folded to "other"
    else:
        assert reason_of(convert.finish, value) == reason


def test_a_giant_list_of_finish_reasons_is_cut() -> None:
    found = convert.finish([f"reason-{number}" for number in range(100_000)])
    assert found is not None
    assert len(found) <= 128


@given(st.datetimes(datetime(1970, 1, 2), datetime(2400, 1, 1)))
def test_times_are_read_to_the_microsecond(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // (moment - moment).resolution * 1000
    text = moment.isoformat()
    for spelling in (text, text.replace("+00:00", "Z"), f'"{text}"', f'"\\"{text}\\""', text.removesuffix("+00:00")):
        assert convert.timestamp(spelling) == expected


@pytest.mark.parametrize(
    "value",
    ["yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1" * 100, -5,
     2**64, 0, 1.5, True, ["2026-01-01"], "1969-12-31T00:00:00Z"],
)  # fmt: skip
def test_what_is_no_time_has_a_reason(value: Any) -> None:
    found, reason = attempt(convert.timestamp, value)
    assert found is None
    assert reason == "bad_time"


def test_a_time_without_an_offset_is_utc_and_an_empty_one_is_none() -> None:
    assert convert.timestamp("2026-11-20T10:00:00") == convert.timestamp("2026-11-20T11:00:00+01:00")
    assert convert.timestamp("") is None
    assert convert.timestamp(None) is None
    assert convert.timestamp(START) == START


@given(values)
def test_json_documents_are_read_as_they_are(value: Any) -> None:
    try:
        document = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):  # bytes and NaN have no JSON
        return
    read = convert.parse_json(document)
    twice = value[:1] in {"{", "["} if isinstance(value, str) else False
    assert twice or read == value


printable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=9), printable, min_size=1, max_size=4))
def test_a_dict_as_python_prints_it_is_read(value: Any) -> None:
    read = convert.parse_json(repr(value))
    assert json.dumps(read, sort_keys=True) == json.dumps(value, sort_keys=True)


HOSTILE = {
    "deep json": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "deep json that is short": '{"a":' * 600 + "1" + "}" * 600,
    "deep list": "[" * 5000 + "]" * 5000,
    "deep braces": "{" * 4000,
    "deep brackets": "{1:" + "[" * 2000 + "]" * 1990 + "}",
    "deep minus": "{1:" + "-" * 3500 + "1}",
    "deep not": "{1:" + "not " * 900 + "1}",
    "deep power": "{1: 9" + "**9" * 900 + "}",
    "deep call": "{1: " + "f(" * 900 + ")" * 900 + "}",
    "huge integer": "{'input_tokens': " + "9" * 4000 + "}",
    "huge JSON integer": '{"input_tokens": ' + "9" * 4000 + "}",
    "huger JSON integer": '{"input_tokens": ' + "9" * 100_000 + "}",
    "huge float": "{'input_tokens': 1e999}",
    "tuple keys": "{(1, 2): 3}",
    "list keys": "{[]: 1}",
    "unpacked": "{**{'a': 1}}",
    "half a surrogate": "{'id': '\\ud800'}",
    "half a JSON surrogate": '{"id": "\\ud800"}',
    "code": "{'a': __import__('os').getcwd()}",
    "comprehension": "{x: x for x in range(10**9)}",
    "repetition": "{'a': 'x' * 10**9}",
    "null byte": "{'a': '\0'",
    "escape": "{'a': '\\d'}",
    "set": "{1, 2, 3}",
    "bytes": "{'a': b'\\xff'}",
    "complex": "{'a': 1j}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused_or_harmless(name: str, recwarn: pytest.WarningsRecorder) -> None:
    document, reason = attempt(convert.parse_json, HOSTILE[name])
    assert not recwarn.list
    assert reason in {"", "bad_json", "too_large"}
    json.dumps(document, ensure_ascii=False).encode()
    for path in ("input_tokens", "id", "a", "a.a.a", "1.0.0"):
        for function in CONVERT.values():
            assert attempt(function, convert.member(document, path))[1] in {"", *REASONS}


@pytest.mark.parametrize("name", ["code", "comprehension", "repetition", "unpacked", "tuple keys", "list keys"])
def test_nothing_in_a_document_is_executed(name: str) -> None:
    found, reason = attempt(convert.parse_json, HOSTILE[name])
    assert reason == "bad_json" or found == {}  # keys that JSON does not know are left out


@given(values, st.text(alphabet="abc.019²", max_size=12))
def test_a_path_leads_to_a_value_or_nowhere(document: Any, path: str) -> None:
    convert.member(document, path)
    assert convert.member({"a": [{"b": 7}]}, "a.0.b") == 7
    assert convert.member({"a": [{"b": 7}]}, "a.1.b") is None
    assert convert.member("text", path) is None
