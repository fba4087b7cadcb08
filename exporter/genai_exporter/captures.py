"""Captured OTLP request bodies: reading them from files, and changing them before they are sent again."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Request: TypeAlias = Any  # one of the three; generated classes carry no types

SIGNALS: Final = ("traces", "logs", "metrics")
PROTOBUF, JSON = "application/x-protobuf", "application/json"

_REQUESTS: Final[dict[str, Callable[[], Request]]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})
# Timestamps that some dialects put into attributes: ISO 8601, in JSON quotes at times.
_ISO_TIME: Final = re.compile(r'"?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?"?')


class CaptureError(Exception):
    """A file that is no captured OTLP request. The message names it."""


class Capture(NamedTuple):
    """One request body. ``body`` is what the file held; ``request`` is what it says."""

    source: str
    signal: str
    content_type: str
    body: bytes
    request: Request

    @property
    def items(self) -> int:
        """How many spans, log records or metrics the request brings."""
        return sum(1 for _ in _items(self.signal, self.request))

    def changed(self, request: Request) -> Capture:
        """The same request with other content, as protobuf."""
        return self._replace(content_type=PROTOBUF, body=request.SerializeToString(), request=request)


def read(path: Path, signal: str | None = None) -> list[Capture]:
    """Read a ``.pb``, ``.json`` or ``.jsonl`` file, gzipped or not (``.gz``).

    ``signal`` is taken from the name (``chat.traces.0.pb``) when None. Raises CaptureError.
    """
    signal = signal or next((part for part in path.name.split(".") if part in SIGNALS), None)
    if signal is None:
        raise CaptureError(f"{path}: neither the name (.traces., .logs., .metrics.) nor --signal tells what it holds")
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    if kind not in (".pb", ".json", ".jsonl"):
        raise CaptureError(f"{path}: the name must end in .pb, .json or .jsonl, and .gz when compressed")
    try:
        body = path.read_bytes()
        if path.suffix == ".gz":
            body = gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise CaptureError(f"{path}: cannot be read: {error}") from error
    if kind == ".pb":
        return [_protobuf(str(path), signal, body)]
    bodies = [line for line in body.splitlines() if line.strip()] if kind == ".jsonl" else [body]
    return [_json(str(path), signal, body) for body in bodies]


def _protobuf(source: str, signal: str, body: bytes) -> Capture:
    request = _REQUESTS[signal]()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise CaptureError(f"{source}: is no OTLP {signal} request: {error}") from error
    return Capture(source, signal, PROTOBUF, body, request)


def _json(source: str, signal: str, body: bytes) -> Capture:
    request = _REQUESTS[signal]()
    try:
        json_format.ParseDict(_with_base64_ids(json.loads(body)), request, ignore_unknown_fields=True)
    except (ValueError, RecursionError, json_format.ParseError) as error:
        raise CaptureError(f"{source}: is no OTLP {signal} request in JSON: {error}") from error
    return Capture(source, signal, JSON, body, request)


def _with_base64_ids(value: Any) -> Any:
    """OTLP writes ids in hexadecimal where protobuf's own JSON has base64."""
    if isinstance(value, list):
        return [_with_base64_ids(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(entry)).decode()
        if key in _IDS and isinstance(entry, str)
        else _with_base64_ids(entry)
        for key, entry in value.items()
    }


def newest_ns(captures: Iterable[Capture]) -> int:
    """The latest timestamp in all of them, in Unix nanoseconds; 0 when there is none."""
    return max((at for capture in captures for _, _, at in _times(capture.request)), default=0)


def shifted(capture: Capture, delta_ns: int) -> Capture:
    """The capture with every timestamp moved, those in attributes included, so that all distances stay."""
    request = _REQUESTS[capture.signal]()
    request.CopyFrom(capture.request)
    for message, field, at in list(_times(request)):
        setattr(message, field, max(at + delta_ns, 1))
    for text in _texts(request):
        if _ISO_TIME.fullmatch(text.string_value):
            text.string_value = _shift_iso(text.string_value, delta_ns)
    return capture.changed(request)


def named(capture: Capture, service: str) -> Capture:
    """The capture as if ``service`` had sent it."""
    request = _REQUESTS[capture.signal]()
    request.CopyFrom(capture.request)
    for group in _groups(capture.signal, request):
        attributes = group.resource.attributes
        for attribute in [attribute for attribute in attributes if attribute.key == "service.name"]:
            attributes.remove(attribute)
        attributes.add(key="service.name").value.string_value = service
    return capture.changed(request)


def split(capture: Capture) -> Iterator[Capture]:
    """One request for each span; logs and metrics stay whole."""
    if capture.signal != "traces":
        yield capture
        return
    for group in capture.request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                request = ExportTraceServiceRequest()
                outer = request.resource_spans.add(schema_url=group.schema_url)
                outer.resource.CopyFrom(group.resource)
                inner = outer.scope_spans.add(schema_url=scope.schema_url)
                inner.scope.CopyFrom(scope.scope)
                inner.spans.add().CopyFrom(span)
                yield capture.changed(request)


def _groups(signal: str, request: Request) -> Iterable[Any]:
    groups: Iterable[Any] = getattr(request, f"resource_{'spans' if signal == 'traces' else signal}")
    return groups


def _items(signal: str, request: Request) -> Iterator[Any]:
    scopes, items = {
        "traces": ("scope_spans", "spans"),
        "logs": ("scope_logs", "log_records"),
        "metrics": ("scope_metrics", "metrics"),
    }[signal]
    for group in _groups(signal, request):
        for scope in getattr(group, scopes):
            yield from getattr(scope, items)


def _times(message: Message) -> Iterator[tuple[Message, str, int]]:
    """Every timestamp that is set, with the message and the field that hold it."""
    for field, value in message.ListFields():
        if field.name.endswith("time_unix_nano"):
            yield message, field.name, value
        elif field.name not in ("attributes", "body", "resource", "scope"):
            yield from (found for inner in _messages(field, value) for found in _times(inner))


def _texts(message: Message) -> Iterator[Any]:
    """Every attribute value that is a text."""
    for field, value in message.ListFields():
        for inner in _messages(field, value):
            if inner.DESCRIPTOR.name == "AnyValue" and inner.WhichOneof("value") == "string_value":
                yield inner
            else:
                yield from _texts(inner)


def _messages(field: Any, value: Any) -> Iterable[Any]:
    if field.message_type is None:
        return ()
    return value if field.is_repeated else (value,)


def _shift_iso(text: str, delta_ns: int) -> str:
    quote = '"' if text.startswith('"') else ""
    bare = text.strip('"')
    try:
        moment = datetime.fromisoformat(bare) + timedelta(microseconds=delta_ns / 1000)
    except (ValueError, OverflowError):  # looks like a time and is none
        return text
    moved = moment.isoformat(timespec="microseconds")
    return quote + (moved.replace("+00:00", "Z") if bare.endswith("Z") else moved) + quote
