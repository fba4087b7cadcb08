"""OTLP/JSON reads like OTLP/protobuf, in every spelling that senders use; what is no OTLP/JSON is refused."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from otlp_samples import (
    CALL,
    NOW,
    START,
    Collector,
    any_value,
    logs_request,
    new_pipeline,
    plain,
    request,
    same,
    settle,
    span,
    values,
)

from corpus.cases import Case, cases
from genai_exporter.errors import Unreadable
from genai_exporter.otlp import json_body
from genai_exporter.otlp.values import Malformed, read
from genai_exporter.pipeline import Pipeline

_IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
_TIMES = {"startTimeUnixNano", "endTimeUnixNano", "timeUnixNano"}


def rewritten(node: Any, change: Callable[[str, Any], Any]) -> Any:
    """A document with every member passed through ``change(key, value)``."""
    if isinstance(node, list):
        return [rewritten(item, change) for item in node]
    if isinstance(node, dict):
        return {key: change(key, rewritten(value, change)) for key, value in node.items()}
    return node


def hexadecimal(key: str, value: Any) -> Any:
    return base64.b64decode(value).hex() if key in _IDS else value


def shouted(key: str, value: Any) -> Any:
    return hexadecimal(key, value).upper() if key in _IDS else value


def numbers(key: str, value: Any) -> Any:
    """64-bit integers as JSON numbers."""
    return int(value) if key == "intValue" or key in _TIMES else hexadecimal(key, value)


#: How senders spell one request: as the OTLP specification says, with numbers, with names of enums, in snake case, and
#: exactly as protobuf's own JSON mapping has it.
SPELLINGS: dict[str, tuple[dict[str, Any], Callable[[str, Any], Any]]] = {
    "specification": ({"use_integers_for_enums": True}, hexadecimal),
    "upper case ids": ({"use_integers_for_enums": True}, shouted),
    "numbers": ({"use_integers_for_enums": True}, numbers),
    "enum names": ({}, hexadecimal),
    "snake case": ({"use_integers_for_enums": True, "preserving_proto_field_name": True}, hexadecimal),
    "protobuf mapping": ({}, lambda key, value: value),
}


def as_json(message: Any, spelling: str) -> bytes:
    options, change = SPELLINGS[spelling]
    return json.dumps(rewritten(MessageToDict(message, **options), change)).encode()


def outcome(bodies: list[bytes], encoding: Any) -> tuple[Any, ...]:
    collector, pipeline = settle(*bodies, encoding=encoding)
    stats = pipeline.stats
    return (*collector.everything(), stats.spans, stats.invalid_attributes, stats.dialects, stats.ambiguous)


def sampled() -> list[Case]:
    """Some cases of every producer."""
    return cases()[:: max(1, len(cases()) // 70)] + tuple(
        next(case for case in cases() if case.producer == producer) for producer in {one.producer for one in cases()}
    )  # type: ignore[return-value]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_capture_says_the_same_in_json(spelling: str) -> None:
    for case in sampled():
        messages = [ExportTraceServiceRequest.FromString(body) for body in case.bodies]
        expected = outcome(list(case.bodies), "protobuf")
        assert outcome([as_json(message, spelling) for message in messages], "json") == expected, str(case)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from([*CALL, "gen_ai.response.finish_reasons", "error.type"]), values), st.data())
def test_any_attribute_says_the_same_in_json(attributes: dict[str, Any], data: Any) -> None:
    message = request(span(attributes=CALL | attributes))
    spelling = data.draw(st.sampled_from(sorted(SPELLINGS)))
    assert outcome([as_json(message, spelling)], "json") == outcome([message.SerializeToString()], "protobuf")


@given(values)
def test_any_value_is_the_one_of_the_official_mapping(value: Any) -> None:
    message = any_value(value)
    raw = json_body.any_value(json.loads(json.dumps(MessageToDict(message))))
    assert same(read(raw), plain(message))


def test_log_records_say_the_same_in_json() -> None:
    attributes = {"gen_ai.evaluation.name": "safety", "gen_ai.evaluation.score.value": 0.25}
    record = LogRecord(
        event_name="gen_ai.evaluation.result", trace_id=b"t" * 16, span_id=b"s" * 8, time_unix_nano=START
    )
    for key, value in attributes.items():
        record.attributes.add(key=key).value.CopyFrom(any_value(value))
    record.body.string_value = "ok"
    message = logs_request(record, LogRecord(body=any_value({"a": [1, None]})))
    told = []
    bodies = [(message.SerializeToString(), "protobuf"), *((as_json(message, one), "json") for one in SPELLINGS)]
    for body, encoding in bodies:
        pipeline, collector = new_pipeline()
        assert pipeline.logs(body, encoding, NOW).accepted == 2  # type: ignore[arg-type]
        told.append((collector.everything(), pipeline.stats.log_records))
    assert len(collector.evaluations) == 1
    assert all(one == told[0] for one in told)


def test_metric_points_count_the_same_in_json() -> None:
    message = ExportMetricsServiceRequest()
    metrics = message.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="a").sum.data_points.add(as_int=5)
    metrics.add(name="b").exponential_histogram.data_points.add(count=5)
    metrics.add(name="c").gauge.data_points.extend([metrics[0].sum.data_points[0]] * 3)
    metrics.add(name="d")
    for body, encoding in (
        (message.SerializeToString(), "protobuf"),
        (as_json(message, "specification"), "json"),
        (as_json(message, "snake case"), "json"),
    ):
        pipeline, _ = new_pipeline()
        assert pipeline.metrics(body, encoding, NOW).accepted == 5  # type: ignore[arg-type]
        assert pipeline.stats.metric_points == 5


# -- what is no OTLP/JSON ---------------------------------------------------------------------------------------------

DOCUMENT: dict[str, Any] = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "chat"}}]},
            "scopeSpans": [
                {
                    "scope": {"name": "test", "version": "1", "attributes": []},
                    "spans": [
                        {
                            "traceId": "0" * 31 + "1",
                            "spanId": "0" * 15 + "1",
                            "parentSpanId": "",
                            "name": "chat gpt-4o",
                            "kind": 3,
                            "startTimeUnixNano": str(START),
                            "endTimeUnixNano": str(START + 10**9),
                            "attributes": [
                                {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                                {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
                                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "5"}},
                                {"key": "score", "value": {"doubleValue": 0.5}},
                                {"key": "flag", "value": {"boolValue": True}},
                                {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}},
                                {
                                    "key": "map",
                                    "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": 1}}]}},
                                },
                                {"key": "raw", "value": {"bytesValue": "AAE="}},
                            ],
                            "events": [{"timeUnixNano": str(START), "name": "e", "attributes": []}],
                            "status": {"code": 1, "message": ""},
                        }
                    ],
                }
            ],
        }
    ]
}
DEEP: Any = {"stringValue": "x"}
for _ in range(200):
    DEEP = {"arrayValue": {"values": [DEEP]}}
WRONG: list[Any] = [
    None, True, False, 0, 5, -1, 1.5, 1e300, 2**64, 10**400, "", "x", "²", "5", "-7", "NaN", [], [5], [None], [[]],
    [{}], {}, {"a": 1}, {"stringValue": 5}, {"intValue": "x"}, {"intValue": []}, {"doubleValue": "x"},
    {"boolValue": "maybe"}, {"arrayValue": 5}, {"arrayValue": {"values": "abc"}}, {"arrayValue": {"values": {"a": 1}}},
    {"kvlistValue": {"values": [5]}}, {"bytesValue": 5}, {"stringValue": "a", "intValue": 5}, DEEP,
]  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def replaced(path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    document = copy.deepcopy(DOCUMENT)
    owner: Any = document
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = value
    return document


def send(pipeline: Pipeline, body: bytes) -> int | None:
    """How many spans were rejected; ``None`` when the request was."""
    before = pipeline.stats.received
    try:
        receipt = pipeline.traces(body, "json", NOW)
    except Unreadable:
        assert pipeline.stats.received == before
        return None
    assert receipt.accepted + receipt.rejected == pipeline.stats.received - before
    assert bool(receipt.rejected) == bool(receipt.reason)
    return receipt.rejected


@pytest.mark.parametrize("path", list(places(DOCUMENT)), ids=lambda path: ".".join(map(str, path)) or "all")
def test_a_wrong_type_anywhere_is_refused_or_harmless(path: tuple[Any, ...]) -> None:
    for wrong in WRONG:
        pipeline, collector = new_pipeline()
        refused = send(pipeline, json.dumps(replaced(path, wrong)).encode())
        pipeline.drain(NOW)
        assert pipeline.stats.balance() == 0
        if refused is None:
            assert not collector.calls
        for call in collector.calls:
            if call.input_tokens not in (5, None):
                assert path[-1] == "intValue", wrong
                assert call.input_tokens == wrong
            elif call.input_tokens is None and path[-1:] == ("intValue",):
                assert wrong in (None, 0) or pipeline.stats.invalid_attributes, wrong


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"5", b"[]", b'"x"', b"{", b"\xff", b'{"resourceSpans": 5}', b'{"resourceSpans": {"a": 1}}',
     b'{"resourceSpans": [5]}', b'{"resourceSpans": [{"resource": 5}]}', b'{"resourceSpans": "abc"}',
     b'{"resourceSpans": [{"scopeSpans": [{"scope": "x"}]}]}', b'{"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}',
     b'{"a":' * 5000 + b"1" + b"}" * 5000, b"[" * 100_000, b'{"resourceSpans": [], "a": 1e999}',
     b'{"resourceSpans": [], "a": "\\ud800"}', b"\x1f\x8b\x08"],
)  # fmt: skip
def test_what_is_no_request_is_refused_whole(body: bytes) -> None:
    pipeline, _ = new_pipeline()
    if body == b"null":
        assert send(pipeline, body) == 0  # an empty message in protobuf's JSON mapping
        return
    assert send(pipeline, body) is None
    for signal in (pipeline.logs, pipeline.metrics):
        try:
            receipt = signal(body, "json", NOW)
        except Unreadable:
            continue
        assert receipt.accepted == receipt.rejected == 0  # the wrong member is one that this signal does not have


def test_one_bad_span_does_not_cost_the_others() -> None:
    document = copy.deepcopy(DOCUMENT)
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans.append(spans[0] | {"spanId": "0" * 15 + "2", "name": 5})
    pipeline, collector = new_pipeline()
    receipt = pipeline.traces(json.dumps(document).encode(), "json", NOW)
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert "wrong type" in receipt.reason
    assert pipeline.stats.spans["invalid", "bad_json"] == 1
    pipeline.drain(NOW)
    assert [call.input_tokens for call in collector.calls] == [5]


def test_one_bad_log_record_is_counted_and_told() -> None:
    good = {"eventName": "gen_ai.evaluation.result", "attributes": [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "safety"}},
        {"key": "gen_ai.evaluation.score.label", "value": {"stringValue": "fail"}},
    ]}  # fmt: skip
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [good, {"eventName": 5}]}]}]}).encode()
    pipeline, collector = new_pipeline()
    receipt = pipeline.logs(body, "json", NOW)
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert "wrong type" in receipt.reason
    assert pipeline.stats.log_records == {("recorded", "evaluation"): 1, ("invalid", "bad_json"): 1}
    assert [one.result for one in collector.evaluations] == ["fail"]


def test_a_request_that_ends_badly_leaves_nothing_behind() -> None:
    """The first group is good, the second is no group: the sender is told that nothing was kept."""
    good = {"eventName": "user.feedback", "attributes": [{"key": "user.regenerated", "value": {"boolValue": True}}]}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [good]}]}, 5]}).encode()
    pipeline, collector = new_pipeline()
    with pytest.raises(Unreadable):
        pipeline.logs(body, "json", NOW)
    pipeline.drain(NOW)
    assert not pipeline.stats.log_records
    assert collector.everything() == Collector().everything()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("5", 5), (5, 5), (5.0, 5), (str(2**63 - 1), 2**63 - 1), (-(2**63), -(2**63)), ("-1", -1),
        (1.5, 1.5), (2**63, float(2**63)), (str(2**63), float(2**63)), (10**300, 1e300),
    ],
)  # fmt: skip
def test_integers_are_exact_or_plainly_something_else(content: Any, expected: float) -> None:
    """What fits no int64 is passed on as a double, for the attribute's own rule to refuse by reason."""
    assert same(read(json_body.any_value({"intValue": content})), expected)


def test_deep_nesting_costs_the_attribute_in_both_encodings() -> None:
    deep = any_value("x")
    for _ in range(30):
        deep = AnyValue(array_value={"values": [deep]})
    message = request(span(attributes=CALL | {"gen_ai.response.finish_reasons": deep}))
    for body, encoding in ((message.SerializeToString(), "protobuf"), (as_json(message, "specification"), "json")):
        collector, pipeline = settle(body, encoding=encoding)
        assert [call.input_tokens for call in collector.calls] == [120]
        assert pipeline.stats.invalid_attributes == {"malformed": 1}
    with pytest.raises(Malformed):
        read(json_body.any_value(DEEP))
