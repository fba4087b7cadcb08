"""The exporter's own health: the names of the catalogue exactly, on a registry of its own."""

from __future__ import annotations

import prometheus_client
import pytest
from opentelemetry import metrics as otel_metrics
from opentelemetry.metrics import get_meter_provider
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genai_exporter import catalogue, health
from genai_exporter.config import Settings
from genai_exporter.core import Core
from genai_exporter.reload import Reloader
from genai_exporter.selfmetrics import SelfMetrics
from genai_exporter.sinks.stats import SinkStats


@pytest.fixture
def core() -> Core:
    return Core(Settings())


@pytest.fixture
def metrics(core: Core) -> SelfMetrics:
    """Everything that a service shows, after a request, a label overflow and the like have happened."""
    own = SelfMetrics()
    reloader = Reloader(Settings(), Settings, lambda _: None, lambda: 1700000000.5)
    health.observe(own, core, reloader, version="9.9", render_seconds=lambda: 0.25)
    sink = SinkStats("forward", limit=10, waiting=lambda: 3, limit_bytes=1000, waiting_bytes=lambda: 300)
    sink.results["delivered"] = 4
    sink.dropped = 2
    health.observe_sinks(own, lambda: [sink])
    own.on_request("http", "traces", "200")
    stats = core.pipeline.stats
    stats.received = 7
    stats.spans["invalid", "no_time"] = 2
    stats.dialects["openinference"] = 3
    stats.log_records["recorded", "evaluation"] = 4
    stats.ambiguous["siblings"] = 5
    stats.invalid_attributes["malformed"] = 6
    core.store.limits.overflow["llm_flow"] = 8
    core.store.budget.overflow["llm_cost_usd_total"] = 9
    return own


def families(own: SelfMetrics) -> dict[str, Family]:
    page = own.render(openmetrics=True).decode()
    return {family.name: family for family in parse_openmetrics(page)}  # type: ignore[no-untyped-call]


def test_every_internal_metric_of_the_catalogue_is_shown_and_no_other(metrics: SelfMetrics) -> None:
    shown = {name: family for name, family in families(metrics).items() if name.startswith("genai_exporter_")}
    expected = {metric.family: metric for metric in catalogue.ALL if metric.audience == "internal"}
    assert set(shown) == set(expected)
    for name, metric in expected.items():
        family = shown[name]
        assert (family.type, family.documentation, family.unit) == (metric.kind, metric.help, metric.unit)
        assert family.samples, name
        for sample in family.samples:
            assert sample.name == metric.name
            assert set(sample.labels) == {label.name for label in metric.labels}


def test_the_rest_of_the_page_is_about_the_process(metrics: SelfMetrics) -> None:
    others = {name for name in families(metrics) if not name.startswith("genai_exporter_")}
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "python_info", "python_gc_collections"} <= others
    assert not [name for name in others if not name.startswith(("process_", "python_"))]


def test_values_are_those_of_the_service(metrics: SelfMetrics, core: Core) -> None:
    def value(metric: catalogue.Metric, /, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(metric.name, labels)

    assert value(catalogue.SPANS_RECEIVED) == 7
    assert value(catalogue.SPANS, result="invalid", reason="no_time") == 2
    assert value(catalogue.SPANS, result="recorded", reason="") == 0
    assert value(catalogue.REQUESTS, transport="http", signal="traces", code="200") == 1
    assert value(catalogue.LABEL_OVERFLOW, label="llm_flow") == 8
    assert value(catalogue.SERIES_OVERFLOW, metric="llm_cost_usd_total") == 9
    assert value(catalogue.TRACES_WITHOUT_VERSION, missing="prompt_version") == 0
    assert value(catalogue.PENDING_SPANS_LIMIT) == 200_000
    assert value(catalogue.SERIES_LIMIT) == 100_000
    assert value(catalogue.BUILD_INFO, version="9.9") == 1
    assert value(catalogue.RENDER_SECONDS) == 0.25
    assert value(catalogue.SINK_ITEMS, sink="forward", result="delivered") == 4
    assert value(catalogue.SINK_ITEMS, sink="forward", result="dropped") == 2
    assert value(catalogue.SINK_ITEMS, sink="forward", result="rejected") == 0
    assert value(catalogue.SINK_QUEUE_ITEMS, sink="forward") == 3
    assert value(catalogue.SINK_QUEUE_LIMIT_BYTES, sink="forward") == 1000
    assert value(catalogue.SINK_UP, sink="forward") == 1
    assert value(catalogue.CONFIG_RELOAD_SUCCESSFUL) == 1
    assert value(catalogue.CONFIG_RELOAD_TIME) == 1700000000.5
    core.pipeline.stats.received = 8
    assert value(catalogue.SPANS_RECEIVED) == 8


def test_both_formats_are_valid_and_only_openmetrics_has_an_end(metrics: SelfMetrics) -> None:
    assert metrics.render(openmetrics=True).endswith(b"\n# EOF\n")
    text = metrics.render(openmetrics=False)
    assert b"# EOF" not in text
    assert b"_created" not in text
    assert b"otel_scope" not in text
    assert b"target_info" not in text
    names = {family.name for family in parse_text(text.decode())}
    assert {"genai_exporter_spans", "genai_exporter_requests"} <= names


def test_requests_are_counted_by_their_labels_from_0() -> None:
    own = SelfMetrics()
    before = families(own)["genai_exporter_requests"].samples
    assert {tuple(sorted(sample.labels.values())) for sample in before} >= {
        ("200", "http", "traces"),
        ("OK", "grpc", "logs"),
    }
    assert {sample.value for sample in before} == {0}
    own.on_request("http", "traces", "200")
    own.on_request("http", "traces", "200")
    own.on_request("grpc", "logs", "RESOURCE_EXHAUSTED")
    after = families(own)["genai_exporter_requests"].samples
    assert {(s.labels["transport"], s.labels["signal"], s.labels["code"]): s.value for s in after if s.value} == {
        ("http", "traces", "200"): 2,
        ("grpc", "logs", "RESOURCE_EXHAUSTED"): 1,
    }


def test_nothing_global_is_touched() -> None:
    before = get_meter_provider()
    own = SelfMetrics()
    own.on_request("http", "traces", "200")
    assert get_meter_provider() is before
    assert not isinstance(before, type(own._provider))
    assert otel_metrics.get_meter_provider() is before
    assert prometheus_client.REGISTRY.get_sample_value("genai_exporter_build_info", {"version": "9.9"}) is None
    own.shutdown()


def test_a_histogram_cannot_be_observed() -> None:
    with pytest.raises(ValueError, match="only counters and gauges"):
        SelfMetrics().observe(catalogue.CALL_DURATION, lambda: [])
