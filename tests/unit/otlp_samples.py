"""What the tests of OTLP reading share: requests built with the official classes, and a recorder that keeps all."""

from __future__ import annotations

import math
import struct
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from genai_exporter.pipeline import Pipeline, PipelineSettings
from genai_exporter.records import Call, Evaluation, Feedback, Resource, Settled, Step

NOW = 1_790_000_000.0
START = int((NOW - 5) * 1e9)
SECOND = 10**9

#: A call that every test of damaged input starts from.
CALL: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 30,
}


class Collector:
    """A recorder that keeps everything it is told."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.steps: list[Step] = []
        self.evaluations: list[Evaluation] = []
        self.feedback: list[Feedback] = []
        self.regenerations = 0
        self.seen: list[Resource] = []

    def first_sight(self, resource: Resource, now: float) -> None:
        self.seen.append(resource)

    def tick(self, now: float) -> None: ...

    def record(self, settled: Settled, now: float) -> None:
        self.calls += settled.calls
        self.steps += settled.steps
        self.evaluations += settled.evaluations
        self.feedback += settled.feedback
        self.regenerations += settled.regenerations

    def everything(self) -> tuple[Any, ...]:
        """All records, comparable although NaN is not equal to itself."""
        records = (self.calls, self.steps, self.evaluations, self.feedback)
        return (*(sorted(map(repr, one)) for one in records), self.regenerations)


def new_pipeline(**settings: Any) -> tuple[Pipeline, Collector]:
    collector = Collector()
    return Pipeline(PipelineSettings(**settings), collector), collector


def any_value(value: Any) -> AnyValue:
    """The official message for a Python value; an ``AnyValue`` is taken as it is, ``None`` is one without a member."""
    found = AnyValue()
    match value:
        case AnyValue():
            found.CopyFrom(value)
        case None:
            pass
        case bool():
            found.bool_value = value
        case int():
            found.int_value = value
        case float():
            found.double_value = value
        case bytes():
            found.bytes_value = value
        case list():
            found.array_value.SetInParent()
            found.array_value.values.extend(map(any_value, value))
        case dict():
            found.kvlist_value.SetInParent()
            found.kvlist_value.values.extend(pairs(value))
        case _:
            found.string_value = value
    return found


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def span(number: int = 1, attributes: dict[str, Any] | None = None, **members: Any) -> Span:
    """A span of one second in a trace of its own, with the attributes of CALL unless others are given."""
    given: dict[str, Any] = {
        "trace_id": number.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "name": "chat gpt-4o",
        "kind": 3,
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + SECOND,
    }
    return Span(**{**given, **members}, attributes=pairs(CALL if attributes is None else attributes))


def request(*spans: Span, resource: dict[str, Any] | None = None, scope: str = "test") -> ExportTraceServiceRequest:
    """One request with one scope."""
    found = ExportTraceServiceRequest()
    group = found.resource_spans.add()
    group.resource.attributes.extend(pairs({"service.name": "chat"} if resource is None else resource))
    part = group.scope_spans.add()
    part.scope.name = scope
    part.spans.extend(spans)
    return found


def logs_request(*records: Any, resource: dict[str, Any] | None = None) -> ExportLogsServiceRequest:
    """One request with one scope."""
    found = ExportLogsServiceRequest()
    group = found.resource_logs.add()
    group.resource.attributes.extend(pairs({"service.name": "chat"} if resource is None else resource))
    part = group.scope_logs.add()
    part.scope.name = "test"
    part.log_records.extend(records)
    return found


def settle(*bodies: bytes, encoding: Any = "protobuf", **settings: Any) -> tuple[Collector, Pipeline]:
    """Send trace requests, settle everything, and see that the books balance."""
    pipeline, collector = new_pipeline(**settings)
    for body in bodies:
        pipeline.traces(body, encoding, NOW)
    pipeline.drain(NOW)
    assert pipeline.stats.balance() == 0
    assert pipeline.stats.pending_spans == 0
    return collector, pipeline


def settle_spans(*spans: Span, **settings: Any) -> tuple[Collector, Pipeline]:
    return settle(request(*spans).SerializeToString(), **settings)


# -- the official classes as oracle -----------------------------------------------------------------------------------


def plain(value: AnyValue) -> Any:
    """What the official classes say that an ``AnyValue`` holds."""
    member = value.WhichOneof("value")
    if member is None:
        return None
    if member == "array_value":
        return [plain(one) for one in value.array_value.values]
    if member == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, member)


def same(left: Any, right: Any) -> bool:
    """Equal in type and value; doubles bit by bit, so that NaN is NaN and -0.0 is not 0.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return struct.pack("<d", left) == struct.pack("<d", right) or (math.isnan(left) and math.isnan(right))
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


# -- the wire format, by hand -----------------------------------------------------------------------------------------


def varint(value: int, padding: int = 0) -> bytes:
    """A varint, longer than it need be by ``padding`` bytes."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    if padding:
        out[-1] |= 0x80
        out += b"\x80" * (padding - 1) + b"\x00"
    return bytes(out)


def delimited(number: int, payload: bytes, padding: int = 0) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(payload), padding) + payload


#: Values that have given readers trouble: around every width of a varint, the ends of int64, and what is no number.
EDGE_INTEGERS = [0, 1, 127, 128, 16_383, 16_384, 2**21 - 1, 2**21, 2**28, 2**31, 2**53, 2**63 - 1, -1, -128, -(2**63)]
EDGE_DOUBLES = [0.0, -0.0, 1.5, -1.0, 5e-324, 1.8e308, math.inf, -math.inf, math.nan]

texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "a" * 125, "a" * 126, "a" * 127, "a" * 128, "ü" * 64, "a" * 16_384]),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(EDGE_INTEGERS),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(EDGE_DOUBLES),
    st.floats(),
    texts,
    st.binary(max_size=20),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
