"""Settings of the way in and out: receivers, trace assembly, the metrics page, attribute mappings."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from genai_exporter.catalogue import DEFAULT_DIMENSIONS
from genai_exporter.config.fields import LIVE, RESTART, Keys, Section, Text, about, items, number

MIB = 1024 * 1024


class HttpReceiverSettings(Section, frozen=True, kw_only=True):
    """OTLP over HTTP, protobuf and JSON."""

    listen: Annotated[
        str | None,
        about(
            "Address on which OTLP/HTTP is received. `:4318` means all interfaces, port 0 lets the system choose, "
            "`null` turns this receiver off.",
            RESTART,
            "127.0.0.1:4318",
        ),
    ] = "127.0.0.1:4318"
    extra_prefixes: Annotated[
        Keys,
        items(
            16,
            "Further base paths below which OTLP is received, for senders whose address cannot be changed to a "
            "standard one. `/v1/traces` and `/otel/v1/traces` answer below each.",
            RESTART,
            ["/my-platform"],
        ),
    ] = ()
    cors_origins: Annotated[
        Keys,
        items(
            64,
            "Origins of web pages that may send telemetry from a browser. `*` admits all.",
            RESTART,
            ["https://app.example.com"],
        ),
    ] = ()


class GrpcReceiverSettings(Section, frozen=True, kw_only=True):
    """OTLP over gRPC."""

    listen: Annotated[
        str | None,
        about("Address on which OTLP/gRPC is received. `null` turns this receiver off.", RESTART, "127.0.0.1:4317"),
    ] = "127.0.0.1:4317"


class ReceiverSettings(Section, frozen=True, kw_only=True):
    """Where telemetry is received, and how much of it one request may bring."""

    http: HttpReceiverSettings = HttpReceiverSettings()
    grpc: GrpcReceiverSettings = GrpcReceiverSettings()
    max_body_bytes: Annotated[
        int,
        number(
            1024,
            1024 * MIB,
            "Largest request body as it arrives, compressed or not. A larger one is answered with 413 or "
            "RESOURCE_EXHAUSTED.",
            RESTART,
        ),
    ] = 16 * MIB
    max_decompressed_bytes: Annotated[
        int,
        number(
            1024,
            2048 * MIB,
            "Largest request body after decompression; decompression stops there. At least `receiver.max_body_bytes`.",
        ),
    ] = 64 * MIB
    max_held_bytes: Annotated[
        int,
        number(
            1024,
            1024 * 1024 * MIB,
            "Bodies of all HTTP requests in progress together, decompressed. Beyond it requests are answered with 429. "
            "At least `receiver.max_decompressed_bytes`.",
        ),
    ] = 512 * MIB
    max_connections: Annotated[
        int, number(1, 1_000_000, "HTTP connections. Further ones are answered with 503 and closed.", RESTART)
    ] = 1024
    max_concurrent_calls: Annotated[
        int, number(1, 1_000_000, "gRPC calls in progress. Further ones are answered with RESOURCE_EXHAUSTED.", RESTART)
    ] = 256
    body_seconds: Annotated[
        float, number(0.1, 3600, "Time a client has to send the body of an HTTP request. Beyond it: 408.")
    ] = 30.0
    max_spans_per_request: Annotated[
        int,
        number(1, 1_000_000, "Spans taken from one request. The rest are rejected by `partial_success` and counted."),
    ] = 50_000
    max_attributes_per_span: Annotated[
        int,
        number(
            16,
            1_000_000,
            "Attributes that one span may have. A span with more is rejected by `partial_success` and counted.",
        ),
    ] = 10_000
    web_config_file: Annotated[
        Text | None,
        about(
            "TLS and basic authentication of both receivers: a file in the web configuration format of the Prometheus "
            "exporter toolkit. Its content is read again when it changes.",
            RESTART,
            "/etc/genai-exporter/receiver-web.yml",
        ),
    ] = None


class AssemblySettings(Section, frozen=True, kw_only=True):
    """How the spans of one trace are gathered before they are counted, so that every call counts once."""

    settle_seconds: Annotated[
        float,
        number(
            0,
            3600,
            "A trace is counted this long after its last span arrived. Longer than the sender's batch delay and the "
            "time between two of its batches.",
        ),
    ] = 10.0
    late_seconds: Annotated[
        float,
        number(
            0, 86_400, "How long a counted trace is remembered, so that spans that arrive late are not counted again."
        ),
    ] = 60.0
    max_trace_seconds: Annotated[
        float,
        number(
            1,
            86_400,
            "A trace that keeps growing is counted this long after its first span, in parts, so that long runs of "
            "agents show while they run.",
        ),
    ] = 300.0
    max_spans_per_trace: Annotated[
        int,
        number(
            10, 10_000_000, "A trace with this many spans is counted at once; what comes later is a part of its own."
        ),
    ] = 10_000
    max_pending_spans: Annotated[
        int,
        number(
            100,
            100_000_000,
            "Spans held while their traces settle. When it is reached, complete traces are counted early; when that "
            "does not help, requests are answered with 429 or RESOURCE_EXHAUSTED and a retry delay.",
        ),
    ] = 200_000
    response_id_memory: Annotated[
        int,
        number(
            0,
            100_000_000,
            "Response ids remembered, by which one call reported in two traces is recognised.",
            RESTART,
        ),
    ] = 100_000


class MetricsSettings(Section, frozen=True, kw_only=True):
    """The metrics page, its labels and the limits on their number."""

    listen: Annotated[
        str,
        about("Address of the metrics page, the health checks and the landing page.", RESTART, "127.0.0.1:9464"),
    ] = "127.0.0.1:9464"
    web_config_file: Annotated[
        Text | None,
        about(
            "TLS and basic authentication of the metrics page, in the web configuration format of the Prometheus "
            "exporter toolkit. Its content is read again when it changes.",
            RESTART,
            "/etc/genai-exporter/web.yml",
        ),
    ] = None
    dimensions: Annotated[
        tuple[str, ...],
        items(
            32,
            "Labels by which the metrics are broken down. Labels that define a metric (for example "
            "`gen_ai_token_type`) are always present.",
            RESTART,
        ),
    ] = DEFAULT_DIMENSIONS
    max_label_values: Annotated[
        int,
        number(
            1,
            1_000_000,
            "Distinct values one label may have, unless its own limit is lower. Further values become `__other__` and "
            "are counted.",
        ),
    ] = 200
    label_limits: Annotated[
        dict[str, Annotated[int, Meta(ge=1, le=1_000_000)]],
        about(
            "Limits for single labels, in place of `metrics.max_label_values` and of the label's own.",
            LIVE,
            {"gen_ai_request_model": 50},
        ),
    ] = msgspec.field(default_factory=dict)
    max_series: Annotated[
        int,
        number(
            100,
            100_000_000,
            "Lines on the metrics page, as Prometheus counts series; one metric may hold half of them. Beyond it, new "
            "label combinations become `__other__` and are counted.",
        ),
    ] = 100_000
    idle_seconds: Annotated[
        float, number(1, 31_536_000, "A series that received nothing for this long leaves the page.")
    ] = 3600.0


class AttributeSettings(Section, frozen=True, kw_only=True):
    """Attributes of your own, on spans or on the resource, that fill a label. The first that is present wins."""

    segment: Annotated[
        Keys, items(16, "Attribute keys that fill the label `llm_user_segment`.", LIVE, ["app.customer_tier"])
    ] = ()
    flow: Annotated[
        Keys,
        items(
            16,
            "Attribute keys that fill the label `llm_flow`, before the workflow name, `http.route` and the name of "
            "the root span.",
            LIVE,
            ["app.feature"],
        ),
    ] = ()
    prompt_name: Annotated[
        Keys,
        items(16, "Attribute keys that fill the label `gen_ai_prompt_name`, before those known.", LIVE, ["app.prompt"]),
    ] = ()
    prompt_version: Annotated[
        Keys,
        items(
            16,
            "Attribute keys that fill the label `gen_ai_prompt_version`, before those known.",
            LIVE,
            ["app.prompt.version"],
        ),
    ] = ()
