"""Spans written compactly, and what they must become: the vocabulary of the golden pairs.

``span`` and ``event`` say what a library puts on the wire, ``call``, ``agent``, ``tool`` and so on what it means.
Bodies are built with the official protobuf classes, so the wire format is theirs and not ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

NS = 1_000_000_000
EPOCH = 1_790_000_000 * NS
KINDS = {"internal": 1, "server": 2, "client": 3}
STATUSES = {"unset": 0, "ok": 1, "error": 2}


class Empty:
    """An attribute value with no member set, as some SDKs send for "not given"."""


EMPTY = Empty()


class Event(NamedTuple):
    name: str
    at: float
    attributes: Mapping[str, Any]


class WireSpan(NamedTuple):
    """One span as it is sent. Times are seconds after an arbitrary moment; ids are small numbers."""

    name: str
    attributes: Mapping[str, Any]
    id: int
    parent: int
    trace: int
    kind: str
    status: str
    message: str
    start: float
    end: float
    events: tuple[Event, ...]
    scope: str
    resource: Mapping[str, Any]


def span(
    name: str,
    attributes: Mapping[str, Any],
    *,
    id: int = 1,
    parent: int = 0,
    trace: int = 1,
    kind: str = "internal",
    status: str = "unset",
    message: str = "",
    start: float = 0.0,
    end: float = 1.0,
    events: Iterable[Event] = (),
    scope: str = "",
    resource: Mapping[str, Any] | None = None,
) -> WireSpan:
    """A span; ``parent`` 0 is none."""
    return WireSpan(
        name, attributes, id, parent, trace, kind, status, message, start, end, tuple(events), scope,
        {"service.name": "bot", **(resource or {})},
    )  # fmt: skip


def event(name: str, at: float = 0.5, **attributes: Any) -> Event:
    """A span event ``at`` seconds; attribute names with dots are written with ``__``."""
    return Event(name, at, {key.replace("__", "."): value for key, value in attributes.items()})


def exception(type_: str, message: str, at: float = 0.5) -> Event:
    return Event("exception", at, {"exception.type": type_, "exception.message": message})


def any_value(value: Any) -> AnyValue:
    found = AnyValue()
    if isinstance(value, Empty):
        return found
    if isinstance(value, bool):
        found.bool_value = value
    elif isinstance(value, str):
        found.string_value = value
    elif isinstance(value, int):
        found.int_value = value
    elif isinstance(value, float):
        found.double_value = value
    elif isinstance(value, list):
        found.array_value.values.extend(any_value(item) for item in value)
        found.array_value.SetInParent()
    elif isinstance(value, dict):
        found.kvlist_value.values.extend(pairs(value))
        found.kvlist_value.SetInParent()
    else:
        raise TypeError(f"no attribute value: {value!r}")
    return found


def pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def request(spans: Iterable[WireSpan]) -> bytes:
    """An ExportTraceServiceRequest; neighbours of one process and scope share their envelope."""
    body = ExportTraceServiceRequest()
    last: tuple[Any, Any] | None = None
    for one in spans:
        where = (one.resource, one.scope)
        if where != last:
            group = body.resource_spans.add()
            group.resource.attributes.extend(pairs(one.resource))
            part = group.scope_spans.add()
            part.scope.name = one.scope
            last = where
        part.spans.append(_proto(one))
    return body.SerializeToString()


def _proto(one: WireSpan) -> trace_pb2.Span:
    return trace_pb2.Span(
        trace_id=one.trace.to_bytes(16, "big"),
        span_id=one.id.to_bytes(8, "big"),
        parent_span_id=one.parent.to_bytes(8, "big") if one.parent else b"",
        name=one.name,
        kind=KINDS[one.kind],
        start_time_unix_nano=_at(one.start),
        end_time_unix_nano=_at(one.end),
        attributes=pairs(one.attributes),
        events=[
            trace_pb2.Span.Event(name=e.name, time_unix_nano=_at(e.at), attributes=pairs(e.attributes))
            for e in one.events
        ],
        status=trace_pb2.Status(code=STATUSES[one.status], message=one.message),
    )


def _at(seconds: float) -> int:
    return EPOCH + round(seconds * NS)


#: What a call must say where a golden pair is silent: nothing was reported.
CALL_DEFAULTS: dict[str, Any] = {
    "operation": "chat", "provider": "", "request_model": "", "response_model": "", "input_tokens": None,
    "output_tokens": None, "cache_read_tokens": None, "cache_write_tokens": None, "cache_write_1h_tokens": None,
    "reasoning_tokens": None, "finish_reason": "", "error_type": "", "ttft_s": None, "session": "", "user": "",
    "agent": "", "prompt_name": "", "prompt_version": "", "service_tier": "", "batch": False, "refusal": False,
    "regenerated": False, "retries": 0, "reported_cost_usd": None, "response_cache_hit": None, "segment": "",
}  # fmt: skip
#: Compared only where a golden pair names them.
CALL_EXTRAS = ("streaming", "duration_s", "flow", "dialect", "response_id", "service", "service_version", "environment")


def call(provider: str = "", asked: str = "", answered: str = "", tokens: Any = (None, None), **more: Any) -> Any:
    """An expected call; ``tokens`` are input and output. Anything not given must be "not reported"."""
    unknown = set(more) - set(CALL_DEFAULTS) - set(CALL_EXTRAS)
    assert not unknown, unknown
    return CALL_DEFAULTS | {
        "provider": provider,
        "request_model": asked,
        "response_model": answered,
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        **more,
    }


class Golden(NamedTuple):
    """Spans, and everything they must become. ``agents``, ``tools`` and ``retrievals`` are names, failed ones with
    their error type after a colon; ``workflows`` counts pipelines; evaluations are (name, score, result)."""

    name: str
    spans: tuple[WireSpan, ...]
    calls: tuple[Mapping[str, Any], ...] = ()
    agents: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    retrievals: tuple[str, ...] = ()
    workflows: int = 0
    evaluations: tuple[tuple[str, float | None, str], ...] = ()
    feedback: tuple[str, ...] = ()


def golden(name: str, *spans: WireSpan, calls: Any = (), **more: Any) -> Golden:
    """A golden pair; one expected call may stand alone."""
    return Golden(name, spans, (calls,) if isinstance(calls, dict) else tuple(calls), **more)
