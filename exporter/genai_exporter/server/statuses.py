"""Answers in the words of OTLP: export responses with ``partial_success`` and ``google.rpc.Status`` errors."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from genai_exporter.errors import Receipt
from genai_exporter.server.running import Encoding, Signal

INVALID_ARGUMENT: Final[int] = code_pb2.INVALID_ARGUMENT
DEADLINE_EXCEEDED: Final[int] = code_pb2.DEADLINE_EXCEEDED
NOT_FOUND: Final[int] = code_pb2.NOT_FOUND
RESOURCE_EXHAUSTED: Final[int] = code_pb2.RESOURCE_EXHAUSTED
UNIMPLEMENTED: Final[int] = code_pb2.UNIMPLEMENTED
INTERNAL: Final[int] = code_pb2.INTERNAL
UNAVAILABLE: Final[int] = code_pb2.UNAVAILABLE
UNAUTHENTICATED: Final[int] = code_pb2.UNAUTHENTICATED

CONTENT_TYPES: Final[dict[Encoding, str]] = {"protobuf": "application/x-protobuf", "json": "application/json"}

MAX_MESSAGE_CHARS: Final = 1024
SHORTEST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 3600.0

_EMPTY: Final[dict[Encoding, bytes]] = {"protobuf": b"", "json": b"{}"}
_ExportResponse: TypeAlias = ExportTraceServiceResponse | ExportLogsServiceResponse | ExportMetricsServiceResponse


def export_response(signal: Signal, receipt: Receipt, encoding: Encoding) -> bytes:
    """The body that accepts a request, with ``partial_success`` when something of it was rejected."""
    if not receipt.rejected and not receipt.reason:
        return _EMPTY[encoding]
    response: _ExportResponse
    if signal == "traces":
        response = ExportTraceServiceResponse()
        response.partial_success.rejected_spans = receipt.rejected
    elif signal == "logs":
        response = ExportLogsServiceResponse()
        response.partial_success.rejected_log_records = receipt.rejected
    else:
        response = ExportMetricsServiceResponse()
        response.partial_success.rejected_data_points = receipt.rejected
    response.partial_success.error_message = clean(receipt.reason)
    return _encode(response, encoding)


def status(code: int, message: str, retry_after_s: float | None = None) -> status_pb2.Status:
    """A ``google.rpc.Status``, with a ``RetryInfo`` detail when a delay in seconds is given."""
    made = status_pb2.Status(code=code, message=clean(message))
    if retry_after_s is not None:
        info = error_details_pb2.RetryInfo()
        info.retry_delay.FromNanoseconds(round(retry_delay(retry_after_s) * 1e9))
        made.details.add().Pack(info)
    return made


def status_body(code: int, message: str, encoding: Encoding, retry_after_s: float | None = None) -> bytes:
    """The same, encoded as the request was."""
    return _encode(status(code, message, retry_after_s), encoding)


def retry_delay(seconds: float) -> float:
    """A delay that a client can follow: never none, never for ever, whatever was computed."""
    if math.isnan(seconds):
        return 1.0
    return min(max(seconds, SHORTEST_RETRY_S), LONGEST_RETRY_S)


def retry_after_header(seconds: float) -> str:
    """The value of Retry-After: whole seconds, at least 1."""
    return str(math.ceil(retry_delay(seconds)))


def clean(message: str) -> str:
    """Bounded text that protobuf accepts, also when it quotes undecodable input."""
    return message[:MAX_MESSAGE_CHARS].encode("utf-8", "replace").decode("utf-8")


def _encode(message: Message, encoding: Encoding) -> bytes:
    if encoding == "json":
        return json_format.MessageToJson(message, indent=None).encode()
    return message.SerializeToString()
