"""The smaller reading of OTLP against the official classes: the same spans from the same bytes."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from otlp_samples import CALL, any_value, delimited, logs_request, pairs, plain, request, same, texts, values, varint
from otlp_samples import span as make_span

from genai_exporter.otlp import lean
from genai_exporter.otlp.values import read, split

attributes = st.dictionaries(texts, values, max_size=3).map(pairs)
times = st.integers(0, 2**64 - 1)
identifiers = st.binary(max_size=20)
events = st.builds(Span.Event, time_unix_nano=times, name=texts, attributes=attributes)
spans = st.builds(
    Span,
    trace_id=identifiers,
    span_id=identifiers,
    trace_state=texts,
    parent_span_id=identifiers,
    flags=st.integers(0, 2**32 - 1),
    name=texts,
    kind=st.integers(0, 5),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=attributes,
    dropped_attributes_count=st.integers(0, 2**32 - 1),
    events=st.lists(events, max_size=2),
    links=st.lists(st.builds(Span.Link, trace_id=identifiers, attributes=attributes), max_size=1),
    status=st.builds(Status, message=texts, code=st.integers(0, 2)),
)
records = st.builds(
    LogRecord,
    time_unix_nano=times,
    observed_time_unix_nano=times,
    severity_text=texts,
    body=values.map(any_value),
    attributes=attributes,
    trace_id=identifiers,
    span_id=identifiers,
    event_name=texts,
)


def read_pairs(raw: Any) -> list[Any]:
    return [[key.decode(), read(value)] for key, value in map(split, raw)]


def official_pairs(found: Any) -> list[Any]:
    return [[pair.key, plain(pair.value)] for pair in found]


def lean_span(found: Any) -> list[Any]:
    return [
        found.trace_id, found.span_id, found.parent_span_id, found.name.decode(), found.kind,
        found.start_time_unix_nano, found.end_time_unix_nano, read_pairs(found.attributes),
        [[event.time_unix_nano, event.name.decode(), read_pairs(event.attributes)] for event in found.events],
        found.status.code, found.status.message.decode(),
    ]  # fmt: skip


def official_span(found: Span) -> list[Any]:
    return [
        found.trace_id, found.span_id, found.parent_span_id, found.name, found.kind,
        found.start_time_unix_nano, found.end_time_unix_nano, official_pairs(found.attributes),
        [[event.time_unix_nano, event.name, official_pairs(event.attributes)] for event in found.events],
        found.status.code, found.status.message,
    ]  # fmt: skip


def lean_request(body: bytes) -> list[Any]:
    return [
        [
            read_pairs(lean.Resource.FromString(b"".join(group.resource)).attributes),
            lean.Scope.FromString(b"".join(part.scope)).name.decode(),
            [lean_span(one) for one in part.spans],
        ]
        for group in lean.Traces.FromString(body).resource_spans
        for part in group.scope_spans
    ]


def official_request(body: bytes) -> list[Any]:
    return [
        [official_pairs(group.resource.attributes), part.scope.name, [official_span(one) for one in part.spans]]
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
        for part in group.scope_spans
    ]


def in_pieces(message: Message) -> list[bytes]:
    """Every field, and every item of a repeated field, as the bytes of a message of its own."""
    found = []
    for field, value in message.ListFields():
        for item in value if field.is_repeated else [value]:
            piece = type(message)()
            if field.is_repeated:
                getattr(piece, field.name).append(item)
            elif field.message_type:
                getattr(piece, field.name).CopyFrom(item)
            else:
                setattr(piece, field.name, item)
            found.append(piece.SerializeToString())
    return found


@given(st.lists(spans, max_size=2), attributes, texts)
def test_spans_are_those_of_the_official_classes(given: list[Span], resource: Any, scope: str) -> None:
    message = request(*given, scope=scope)
    message.resource_spans[0].resource.CopyFrom(Resource(attributes=resource))
    body = message.SerializeToString()
    assert same(lean_request(body), official_request(body))


@given(spans, st.randoms(use_true_random=False), st.data())
def test_the_order_of_fields_does_not_matter(span: Span, random: Any, data: Any) -> None:
    """Fields in any order, statuses in halves, fields of a later version between them."""
    pieces = in_pieces(span) + [delimited(15, piece) for piece in in_pieces(span.status)]
    pieces += data.draw(st.lists(st.sampled_from([varint(900 << 3) + b"\x05", delimited(77, b"new"), b""]), max_size=2))
    random.shuffle(pieces)
    raw = b"".join(pieces)
    assert same(lean_span(lean._CLASSES["Span"].FromString(raw)), official_span(Span.FromString(raw)))


@given(attributes, attributes, texts, texts, spans)
def test_envelopes_in_pieces_are_merged(one: Any, two: Any, first: str, second: str, span: Span) -> None:
    """A resource or a scope that comes in two parts is the sum of both, as in every protobuf reader."""
    scope = b"".join(delimited(1, InstrumentationScope(name=name).SerializeToString()) for name in (first, second))
    part = scope + delimited(2, span.SerializeToString())
    resources = [delimited(1, Resource(attributes=found).SerializeToString()) for found in (one, two)]
    body = delimited(1, resources[0] + delimited(2, part) + resources[1])
    assert same(lean_request(body), official_request(body))


@settings(max_examples=25)
@given(spans)
@example(make_span())
def test_a_request_cut_short_is_refused_or_shorter(span: Span) -> None:
    """At every byte: what the official classes refuse is refused, and what they read is read the same."""
    body = request(span, span).SerializeToString()
    for end in range(min(len(body), 600)):
        try:
            expected: Any = official_request(body[:end])
        except DecodeError:
            with pytest.raises(DecodeError):
                lean.Traces.FromString(body[:end])
        else:
            assert same(lean_request(body[:end]), expected)


@given(st.lists(records, max_size=2))
def test_log_records_are_those_of_the_official_classes(given: list[LogRecord]) -> None:
    body = logs_request(*given).SerializeToString()
    ours = [
        [
            record.time_unix_nano, record.observed_time_unix_nano, read(record.body), read_pairs(record.attributes),
            record.trace_id, record.span_id, record.event_name.decode(),
        ]
        for group in lean.Logs.FromString(body).resource_logs
        for part in group.scope_logs
        for record in part.log_records
    ]  # fmt: skip
    theirs = [
        [
            record.time_unix_nano, record.observed_time_unix_nano, plain(record.body),
            official_pairs(record.attributes), record.trace_id, record.span_id, record.event_name,
        ]
        for group in ExportLogsServiceRequest.FromString(body).resource_logs
        for part in group.scope_logs
        for record in part.log_records
    ]  # fmt: skip
    assert same(ours, theirs)


def test_invalid_utf8_anywhere_does_not_cost_the_request() -> None:
    """The official classes refuse the whole request for one byte in a prompt."""
    body = request(make_span(attributes=CALL | {"gen_ai.prompt": "?????"}, name="?????")).SerializeToString()
    broken = body.replace(b"?????", b"ab\xff\xfec")
    assert broken.count(b"\xff\xfe") == 2
    with pytest.raises(DecodeError):
        ExportTraceServiceRequest.FromString(broken)
    (span,) = lean.Traces.FromString(broken).resource_spans[0].scope_spans[0].spans
    assert span.name == b"ab\xff\xfec"
    assert dict(map(split, span.attributes))[b"gen_ai.usage.input_tokens"] == b"\x18x"


def test_field_numbers_and_types_are_those_of_the_official_descriptors() -> None:
    """Every lean field exists in OTLP under the same number, with the same encoding on the wire."""
    official = {
        "Traces": ExportTraceServiceRequest, "Logs": ExportLogsServiceRequest, "Span": Span, "Status": Status,
        "Event": Span.Event, "LogRecord": LogRecord, "Resource": Resource, "Scope": InstrumentationScope,
        "KeyValue": KeyValue, "AnyValue": type(KeyValue().value),
    }  # fmt: skip
    wire = {"bytes": 2, "int32": 0, "int64": 0, "bool": 0, "fixed64": 1, "double": 1}
    groups = {"varint": {5, 3, 8, 13, 14, 4}, "fixed64": {6, 1}, "delimited": {9, 11, 12}}
    for name, message in official.items():
        fields = message.DESCRIPTOR.fields_by_name
        for field, number, kind in lean._SCHEMA[name]:
            theirs = fields[field]
            assert theirs.number == number, (name, field)
            expected = {0: "varint", 1: "fixed64", 2: "delimited"}[wire.get(kind.lstrip("*?"), 2)]
            assert theirs.type in groups[expected], (name, field)
