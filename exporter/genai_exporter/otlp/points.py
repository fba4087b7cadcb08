"""Counting the data points of OTLP metrics. They are accepted so that senders do not fail, and never merged."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from genai_exporter.errors import Unreadable
from genai_exporter.otlp import json_body

_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


def count_points(body: bytes, encoding: str) -> int:
    """Data points in an ExportMetricsServiceRequest. Raises ``Unreadable``."""
    if encoding == "json":
        try:
            return sum(
                len(json_body.objects(json_body.expect_object(json_body.member(metric, kind), kind), "dataPoints"))
                for _, _, metrics in json_body.batches(
                    json_body.decode(body), "resourceMetrics", "scopeMetrics", "metrics"
                )
                for metric in metrics
                for kind in _KINDS
            )
        except json_body.BadJson as error:
            raise Unreadable(f"not an OTLP/JSON metrics request: {error}") from error
    try:
        request = ExportMetricsServiceRequest.FromString(body)
    except DecodeError as error:
        raise Unreadable(f"not an ExportMetricsServiceRequest: {error}") from error
    return sum(
        _points(metric)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def _points(metric: Any) -> int:
    kind = metric.WhichOneof("data")
    return len(getattr(metric, kind).data_points) if kind else 0
