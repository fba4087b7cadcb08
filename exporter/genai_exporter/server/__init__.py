"""The rim of the service: OTLP receivers over HTTP and gRPC, and the web endpoint with the metrics page."""

from __future__ import annotations

from genai_exporter.server.address import Address, ListenError, parse_listen
from genai_exporter.server.limits import Link, ReceiverLimits, WebOptions
from genai_exporter.server.otlp_grpc import GrpcReceiver, start_otlp_grpc
from genai_exporter.server.otlp_http import HttpReceiver, start_otlp_http
from genai_exporter.server.running import OnRequest, PipelinePort, Running
from genai_exporter.server.web import start_web
from genai_exporter.server.webconfig import WebConfig, WebConfigError

__all__ = [
    "Address",
    "GrpcReceiver",
    "HttpReceiver",
    "Link",
    "ListenError",
    "OnRequest",
    "PipelinePort",
    "ReceiverLimits",
    "Running",
    "WebConfig",
    "WebConfigError",
    "WebOptions",
    "parse_listen",
    "start_otlp_grpc",
    "start_otlp_http",
    "start_web",
]
