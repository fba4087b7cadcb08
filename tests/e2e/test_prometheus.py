"""A real Prometheus scrapes a real exporter: what it stores is what the page says, exemplars included."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

from e2e import harness
from e2e.harness import Exporter, Prometheus, wait_until
from genai_exporter import catalogue
from tools import debian

CAPTURES = Path(__file__).resolve().parents[1] / "corpus" / "captures"
REPLAYED = (
    "otel-genai-openai-anthropic/chat.traces.0.pb",
    "otel-genai-openai-anthropic/chat_stream_late_content.traces.0.pb",
    "otel-genai-openai-anthropic/cached_tokens.traces.0.pb",
    "otel-genai-openai-anthropic/error_429.traces.0.pb",
    "otel-genai-openai-anthropic/chat_tools.traces.0.pb",
    "otel-openai-v2/chat.traces.0.pb",
    "openinference/chat.traces.0.pb",
    "openinference/chat_stream.traces.0.pb",
)
DURATION = catalogue.CALL_DURATION


def tool(name: str) -> Path:
    """A program that must be there in CI; elsewhere a test is skipped with what to install."""
    try:
        return debian.locate(name)
    except debian.Unavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def prometheus(exporter: Exporter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    target = urlparse(exporter.web_url).netloc
    with harness.prometheus(tool("prometheus"), target, tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@pytest.fixture(scope="module")
def replayed(exporter: Exporter, prometheus: Prometheus) -> list[ExportTraceServiceRequest]:
    """The captures, replayed as if they were made now; Prometheus has scraped everything that came of them."""
    files = [CAPTURES / name for name in REPLAYED]
    sent = [ExportTraceServiceRequest.FromString(file.read_bytes()) for file in files]
    pending, settled = f"sum({catalogue.PENDING_SPANS.name})", f"sum({catalogue.SPANS.name})"
    before = prometheus.value(settled) or 0
    command = [sys.executable, "-m", "genai_exporter", "replay", "--rewrite-times", "--endpoint", exporter.otlp_url]
    done = subprocess.run([*command, *files], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    spans = sum(len(list(spans_of(request))) for request in sent)
    wait_until(
        "Prometheus has stored the replayed spans as settled",
        lambda: prometheus.value(settled) == before + spans and prometheus.value(pending) == 0,
    )
    wait_for_scrapes(prometheus, 2)
    return sent


def spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            yield from scope_spans.spans


def wait_for_scrapes(prometheus: Prometheus, number: int) -> None:
    """Waits until ``number`` more scrapes have been stored."""

    def stored() -> float:
        return prometheus.value("sum(count_over_time(up[10m]))") or 0.0

    enough = stored() + number
    wait_until(f"{number} more scrapes", lambda: stored() >= enough)


def call_durations(request: ExportTraceServiceRequest) -> list[float]:
    """Seconds of each span of a model call; the captures have one span per call."""
    marks = {("gen_ai.operation.name", "chat"), ("openinference.span.kind", "LLM")}
    return [
        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
        for span in spans_of(request)
        if marks & {(pair.key, pair.value.string_value) for pair in span.attributes}
    ]


def test_prometheus_stores_what_the_page_says(
    exporter: Exporter, prometheus: Prometheus, replayed: list[ExportTraceServiceRequest]
) -> None:
    page = exporter.page()
    on_page = {
        series(sample.name, sample.labels): sample.value
        for sample in page.samples
        if sample.name.startswith(("gen_ai_", "llm_"))
    }
    stored = {
        series(labels["__name__"], labels): value
        for labels, value in (
            (dict(key), value) for key, value in prometheus.query('{__name__=~"gen_ai_.+|llm_.+"}').items()
        )
    }
    assert stored == on_page
    assert sum(page.by("gen_ai_request_model", f"{DURATION.name}_count").values()) == len(
        [seconds for request in replayed for seconds in call_durations(request)]
    )


def series(name: str, labels: dict[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A series by name and labels: without what Prometheus adds and without empty labels, which it does not store."""
    kept = {key: value for key, value in labels.items() if value and key not in {"__name__", "job", "instance"}}
    if "le" in kept:
        kept["le"] = repr(float(kept["le"]))
    return name, tuple(sorted(kept.items()))


def test_every_scrape_succeeded(prometheus: Prometheus, replayed: list[ExportTraceServiceRequest]) -> None:
    (target,) = prometheus.ask("targets", state="active")["activeTargets"]
    assert target["health"] == "up"
    assert target["lastError"] == ""
    assert prometheus.value("min_over_time(up[10m])") == 1
    assert (prometheus.value("scrape_samples_scraped") or 0) > 100
    own = requests.get(f"{prometheus.url}/metrics", timeout=30).text
    for trouble in (
        "prometheus_target_scrapes_sample_duplicate_timestamp_total",
        "prometheus_target_scrapes_sample_out_of_order_total",
        "prometheus_target_scrapes_sample_out_of_bounds_total",
    ):
        assert f"\n{trouble} 0\n" in own


def test_exemplars_lead_to_the_traces_that_were_sent(
    prometheus: Prometheus, replayed: list[ExportTraceServiceRequest]
) -> None:
    """R9: from a bucket to the trace in one click."""
    sent = {
        (span.trace_id.hex(), span.span_id.hex()): (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
        for request in replayed
        for span in spans_of(request)
    }
    now = time.time()
    found = prometheus.ask("query_exemplars", query=f"{DURATION.name}_bucket", start=str(now - 600), end=str(now + 60))
    exemplars = [exemplar for one in found for exemplar in one["exemplars"]]
    assert exemplars
    for exemplar in exemplars:
        labels = exemplar["labels"]
        assert float(exemplar["value"]) == pytest.approx(sent[labels["trace_id"], labels["span_id"]])


def test_quantile_lies_in_the_bucket_of_the_true_one(
    prometheus: Prometheus, replayed: list[ExportTraceServiceRequest]
) -> None:
    """R44: the highest duration is estimated within the edges of the bucket it falls into."""
    durations = sorted(seconds for request in replayed for seconds in call_durations(request))
    longest = durations[-1]
    assert DURATION.buckets is not None
    upper = min(edge for edge in DURATION.buckets if edge >= longest)
    lower = max((edge for edge in DURATION.buckets if edge < longest), default=0.0)
    estimate = prometheus.value(f"histogram_quantile(0.999, sum by (le) ({DURATION.name}_bucket))")
    assert estimate is not None
    assert lower <= estimate <= upper


def test_first_safety_failure_is_an_increase(exporter: Exporter, prometheus: Prometheus) -> None:
    """R41, R59: a counter that nobody has seen before must not start at 1, or the first failure pages nobody."""
    send_failed_safety_check(exporter, "newborn")
    failures = f'{catalogue.EVALUATIONS.name}{{service_name="newborn",gen_ai_evaluation_name="safety",result="fail"}}'
    wait_until("the failure is stored", lambda: prometheus.value(f"sum({failures})") == 1)
    increase = prometheus.value(f"sum(increase({failures}[10m]))")
    assert increase is not None
    assert increase > 0


def send_failed_safety_check(exporter: Exporter, service: str) -> None:
    provider = TracerProvider(resource=Resource({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{exporter.otlp_url}/v1/traces")))
    attributes: dict[str, str | int | bool] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "eval.safety_pass": False,
    }
    with provider.get_tracer("app").start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT, attributes=attributes):
        pass
    provider.shutdown()


def test_promtool_has_no_complaint(exporter: Exporter, replayed: list[ExportTraceServiceRequest]) -> None:
    promtool = tool("promtool")
    page = requests.get(f"{exporter.web_url}/metrics", headers={"Accept": "text/plain; version=0.0.4"}, timeout=30)
    assert page.headers["Content-Type"].startswith("text/plain")
    done = subprocess.run([promtool, "check", "metrics"], input=page.content, capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "", "")
