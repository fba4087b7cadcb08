"""The exporter's own traces."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from genai_exporter.config import ConfigError, Secret, TelemetrySettings
from genai_exporter.errors import Full, Receipt, Unreadable
from genai_exporter.selftraces import SelfTraces, TracedPipeline, authorization
from genai_exporter.server.running import Encoding


class FakePipeline:
    """Answers each signal in its own way."""

    def traces(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        return Receipt(3, 1, "one is bad")

    def logs(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        raise Full(2.0)

    def metrics(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        raise Unreadable("not a request")


def traced(ratio: float) -> tuple[SelfTraces, TracedPipeline, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    own = SelfTraces(TelemetrySettings(traces_sampling_ratio=ratio), "9.9", exporter)
    return own, TracedPipeline(FakePipeline(), own.tracer), exporter


def finished(own: SelfTraces, exporter: InMemorySpanExporter) -> tuple[ReadableSpan, ...]:
    own.shutdown()
    return exporter.get_finished_spans()


def test_each_request_is_a_span_that_tells_what_became_of_it() -> None:
    own, pipeline, exporter = traced(1)
    assert pipeline.traces(b"abcd", "protobuf", 1.0) == Receipt(3, 1, "one is bad")
    with pytest.raises(Full):
        pipeline.logs(b"", "json", 1.0)
    with pytest.raises(Unreadable):
        pipeline.metrics(b"", "json", 1.0)
    taken, full, unreadable = finished(own, exporter)
    assert taken.name == "receive traces"
    assert dict(taken.attributes or {}) == {
        "otlp.signal": "traces",
        "otlp.encoding": "protobuf",
        "otlp.body.size": 4,
        "otlp.accepted": 3,
        "otlp.rejected": 1,
    }
    assert taken.status.is_unset
    assert taken.resource.attributes == {"service.name": "genai-exporter", "service.version": "9.9"}
    for span, kind in ((full, "Full"), (unreadable, "Unreadable")):
        assert not span.status.is_ok
        assert (span.attributes or {})["error.type"] == kind


def test_sampling_is_that_of_the_settings() -> None:
    own, pipeline, exporter = traced(0)
    pipeline.traces(b"", "protobuf", 1.0)
    assert finished(own, exporter) == ()


def test_no_global_provider_is_set() -> None:
    before = trace.get_tracer_provider()
    own, _, exporter = traced(1)
    assert trace.get_tracer_provider() is before
    finished(own, exporter)


def test_the_authorization_comes_from_the_setting_or_a_file(tmp_path: Path) -> None:
    assert authorization(TelemetrySettings()) is None
    assert authorization(TelemetrySettings(traces_authorization=Secret("Bearer x"))) == "Bearer x"
    file = tmp_path / "token"
    file.write_text("Bearer y\n")
    settings = TelemetrySettings(traces_authorization_file=str(file))
    assert authorization(settings) == "Bearer y"
    file.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        authorization(settings)
    file.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        authorization(settings)
