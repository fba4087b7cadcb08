"""From a dialect's view of a span to OTLP messages: the part that all dialects share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from .model import Deployment, Request, Span, Verdict

Value = str | bool | int | float | Sequence[str]
Attributes = dict[str, Value]

INTERNAL, SERVER, CLIENT = pb.Span.SPAN_KIND_INTERNAL, pb.Span.SPAN_KIND_SERVER, pb.Span.SPAN_KIND_CLIENT
EVALUATION_EVENT = "gen_ai.evaluation.result"


class Scope(NamedTuple):
    """The instrumentation scope: a library and its version."""

    name: str
    version: str


class Event(NamedTuple):
    """A span event, ``at_s`` seconds after the start of the request."""

    name: str
    at_s: float
    attributes: Attributes


class Shape(msgspec.Struct):
    """How a dialect writes one span down. ``ok`` says whether a success sets the status to OK or leaves it unset.

    ``inner`` is a span that a provider's own SDK emits for the same call, below this one.
    """

    scope: Scope
    name: str
    kind: pb.Span.SpanKind.ValueType
    attributes: Attributes
    events: list[Event] = []
    ok: bool = False
    inner: Shape | None = None


class Scoped(NamedTuple):
    """A finished span and the library it comes from."""

    scope: Scope
    span: pb.Span


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=item) for item in value]))


def key_values(attributes: Mapping[str, Value]) -> list[KeyValue]:
    """OTLP attributes in the order given."""
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def as_json(value: object) -> str:
    """JSON text as instrumentation libraries write it into attributes."""
    return json.dumps(value, ensure_ascii=False)


def nanoseconds(start_ns: int, offset_s: float) -> int:
    """Unix nanoseconds of a moment ``offset_s`` seconds after ``start_ns``."""
    return start_ns + round(offset_s * 1e9)


def spans_of(request: Request, span: Span, shape: Shape, start_ns: int) -> list[Scoped]:
    """The OTLP spans of one abstract span, inner ones first. ``start_ns`` is when the request began, in Unix time."""
    scoped: list[Scoped] = []
    if shape.inner is not None:
        # The SDK's own span lies inside the instrumentation's; its id is derived, so that a seed still fixes it.
        inner_id = bytes(byte ^ 0xA5 for byte in span.span_id)
        margin = min(0.002, (span.end_s - span.start_s) / 4)
        within = msgspec.structs.replace(
            span, span_id=inner_id, parent_id=span.span_id, start_s=span.start_s + margin, end_s=span.end_s - margin
        )
        scoped += spans_of(request, within, shape.inner, start_ns)
    message = pb.Span(
        trace_id=request.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_id,
        name=shape.name,
        kind=shape.kind,
        start_time_unix_nano=nanoseconds(start_ns, span.start_s),
        end_time_unix_nano=nanoseconds(start_ns, span.end_s),
        attributes=key_values(shape.attributes),
        flags=0x101,  # sampled; the parent is known to be local
    )
    for name, at_s, attributes in shape.events:
        message.events.add(name=name, time_unix_nano=nanoseconds(start_ns, at_s), attributes=key_values(attributes))
    if span.failure is not None:
        message.status.code = pb.Status.STATUS_CODE_ERROR
        message.status.message = span.failure.message
    elif shape.ok:
        message.status.code = pb.Status.STATUS_CODE_OK
    scoped.append(Scoped(shape.scope, message))
    return scoped


def evaluation(verdict: Verdict, response_id: str) -> Attributes:
    """The attributes of a ``gen_ai.evaluation.result`` event."""
    attributes: Attributes = {"gen_ai.evaluation.name": verdict.name, "gen_ai.evaluation.score.value": verdict.score}
    if verdict.label:
        attributes["gen_ai.evaluation.score.label"] = verdict.label
    if verdict.explanation:
        attributes["gen_ai.evaluation.explanation"] = verdict.explanation
    if response_id:
        attributes["gen_ai.response.id"] = response_id
    return attributes


def evaluation_record(request: Request, verdict: Verdict, at_ns: int) -> LogRecord:
    """An evaluation as a log record that points at the span of the answer."""
    return LogRecord(
        time_unix_nano=at_ns,
        observed_time_unix_nano=at_ns,
        severity_number=SEVERITY_NUMBER_INFO,
        event_name=EVALUATION_EVENT,
        attributes=key_values(evaluation(verdict, request.answer_response_id)),
        trace_id=request.trace_id,
        span_id=request.answer_span_id,
        flags=1,
    )


def resource_of(deployment: Deployment) -> Resource:
    """The resource of a service, with the three version ids that every trace must carry (R102, R103)."""
    return Resource(
        attributes=key_values(
            {
                "telemetry.sdk.language": "python",
                "telemetry.sdk.name": "opentelemetry",
                "telemetry.sdk.version": "1.45.2",
                "service.name": deployment.service,
                "service.version": deployment.app_version,
                "service.instance.id": deployment.instance,
                "deployment.environment.name": deployment.environment,
                "app.prompt_template_version": deployment.prompt_version,
                "app.model_version": deployment.model_version,
            }
        )
    )
