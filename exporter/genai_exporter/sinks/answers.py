"""What an OTLP receiver answers: how much of a body it refused, and when it wants to be asked again."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse


class _PartialSuccess(msgspec.Struct, rename="camel"):
    rejected_spans: int | str = 0
    error_message: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    partial_success: _PartialSuccess | None = None


def rejected_spans(content_type: str, answer: bytes) -> tuple[int, str]:
    """How many spans of a taken body were refused, and why. An answer that cannot be read refuses nothing."""
    try:
        if content_type == "application/json":
            partial = msgspec.json.decode(answer, type=_Answer).partial_success or _PartialSuccess()
            return max(0, int(partial.rejected_spans)), partial.error_message
        response = ExportTraceServiceResponse.FromString(answer).partial_success
        return max(0, response.rejected_spans), response.error_message
    except (DecodeError, msgspec.DecodeError, ValueError):
        return 0, ""


def asked_delay(header: str | None, now: float) -> float | None:
    """The seconds that a ``Retry-After`` header asks for, which may be a number or a date; ``now`` is Unix seconds."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now)
    except (ValueError, TypeError):
        return None
