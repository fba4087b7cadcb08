"""The exporter's own traces: a span for each request received and for each settling of traces, sampled.

They go to another OTLP receiver through opentelemetry-sdk. Without an endpoint none of this is in the path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from genai_exporter.config import ConfigError, TelemetrySettings
from genai_exporter.errors import Full, Receipt, Unreadable
from genai_exporter.selfmetrics import SERVICE
from genai_exporter.server import PipelinePort
from genai_exporter.server.running import Encoding

_SEND_SECONDS: Final = 3.0


def authorization(settings: TelemetrySettings) -> str | None:
    """The ``Authorization`` header, from the settings or the file they name. Raises ConfigError."""
    if settings.traces_authorization is not None:
        return settings.traces_authorization.reveal()
    name = settings.traces_authorization_file
    if name is None:
        return None
    try:
        text = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"telemetry.traces_authorization_file: {name!r} cannot be read: {error}"]) from error
    if not text:
        raise ConfigError([f"telemetry.traces_authorization_file: {name!r} is empty"])
    return text


class SelfTraces:
    """The tracer provider of the exporter. A thread of its own sends spans, and drops some when it falls behind."""

    def __init__(self, settings: TelemetrySettings, version: str, exporter: SpanExporter | None = None) -> None:
        """``exporter`` stands in for the one to ``settings.traces_endpoint``. Raises ConfigError."""
        if exporter is None:
            header = authorization(settings)
            exporter = OTLPSpanExporter(
                endpoint=settings.traces_endpoint,
                headers={"Authorization": header} if header else None,
                timeout=_SEND_SECONDS,
                compression=Compression.Gzip,
            )
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(settings.traces_sampling_ratio),
            resource=Resource({"service.name": SERVICE, "service.version": version}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer: Tracer = self._provider.get_tracer(SERVICE, version)

    def shutdown(self) -> None:
        """Send what is left, then stop; takes as long as the endpoint lets it, within the exporter's own timeout."""
        self._provider.shutdown()


class TracedPipeline:
    """A pipeline of which every request taken is a span."""

    def __init__(self, pipeline: PipelinePort, tracer: Tracer) -> None:
        self._pipeline = pipeline
        self._tracer = tracer

    def traces(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        """Take spans."""
        return self._take("traces", body, encoding, now)

    def logs(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        """Take log records."""
        return self._take("logs", body, encoding, now)

    def metrics(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        """Take metrics."""
        return self._take("metrics", body, encoding, now)

    def _take(self, signal: str, body: bytes, encoding: Encoding, now: float) -> Receipt:
        with self._tracer.start_as_current_span(
            f"receive {signal}",
            kind=SpanKind.SERVER,
            attributes={"otlp.signal": signal, "otlp.encoding": encoding, "otlp.body.size": len(body)},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                receipt: Receipt = getattr(self._pipeline, signal)(body, encoding, now)
            except (Full, Unreadable) as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR, str(error)))
                raise
            span.set_attribute("otlp.accepted", receipt.accepted)
            span.set_attribute("otlp.rejected", receipt.rejected)
            return receipt
