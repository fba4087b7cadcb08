"""The span processor: same numbers as the service, and an application that never notices it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from genai_exporter import catalogue, inprocess
from genai_exporter.config import AssemblySettings, Settings
from genai_exporter.errors import Full, Receipt
from genai_exporter.inprocess import GenAISpanProcessor

CALLS = f"{catalogue.CALL_DURATION.name}_count"
TOKENS = f"{catalogue.TOKEN_USAGE.name}_sum"
SPANS = catalogue.SPANS.name
CHAT: dict[str, str | int] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-11-20",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
}


class App:
    """An application with one processor and a registry of its own."""

    def __init__(self, **arguments: Any) -> None:
        self.registry = CollectorRegistry()
        self.processor = GenAISpanProcessor(registry=self.registry, **arguments)
        self.provider = TracerProvider(resource=Resource({"service.name": "app"}), shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer("app")

    def call(self, number: int = 1) -> None:
        for _ in range(number):
            with self.tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT, attributes=CHAT):
                pass

    def total(self, name: str, **labels: str) -> float:
        return sum(
            sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


@pytest.fixture
def app_with() -> Iterator[Callable[..., App]]:
    made: list[App] = []

    def make(**arguments: Any) -> App:
        made.append(App(**arguments))
        return made[-1]

    yield make
    for app in made:
        app.provider.shutdown()


@pytest.fixture
def app(app_with: Callable[..., App]) -> App:
    return app_with()


def test_calls_and_tokens_of_ended_spans(app: App) -> None:
    app.call(3)
    assert app.processor.force_flush()
    assert app.total(CALLS, gen_ai_request_model="gpt-4o", service_name="app") == 3
    assert app.total(TOKENS, gen_ai_token_type="input") == 300
    assert app.total(TOKENS, gen_ai_token_type="output") == 60
    assert app.total(catalogue.COST.name, cost_source="computed") == pytest.approx(3 * (100 * 2.5 + 20 * 10) / 1e6)


def test_aggregates_are_not_added(app: App) -> None:
    """R106: an agent span that repeats the usage of its calls is an agent run, not a call."""
    agent = CHAT | {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
    with app.tracer.start_as_current_span("invoke_agent helper", attributes=agent):
        app.call(2)
    app.processor.force_flush()
    assert app.total(CALLS) == 2
    assert app.total(TOKENS, gen_ai_token_type="input") == 200
    assert app.total(f"{catalogue.AGENT_DURATION.name}_count", gen_ai_agent_name="helper") == 1


def test_the_thread_settles_without_a_flush(app_with: Callable[..., App]) -> None:
    settings = Settings(assembly=AssemblySettings(settle_seconds=0.1))
    app = app_with(settings=settings)
    app.call()
    settled = threading.Event()

    def watch() -> None:
        while not settled.wait(0.02):
            if app.total(CALLS) == 1:
                settled.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    assert settled.wait(30)
    watcher.join()


def test_exemplars_and_strict_openmetrics(app: App) -> None:
    app.call()
    with app.tracer.start_as_current_span("SELECT 1"):
        pass
    app.processor.force_flush()
    page = generate_latest(app.registry).decode()  # type: ignore[no-untyped-call]
    families = list(text_string_to_metric_families(page))  # type: ignore[no-untyped-call]
    exemplars = [sample.exemplar for family in families for sample in family.samples if sample.exemplar]
    assert exemplars
    assert all(len(exemplar.labels["trace_id"]) == 32 for exemplar in exemplars)


def test_same_registry_as_the_prometheus_metric_reader() -> None:
    app = App()
    reader = PrometheusMetricReader(registry=app.registry)
    meters = MeterProvider([reader], shutdown_on_exit=False)
    meters.get_meter("app").create_counter("app.orders").add(1)
    app.call()
    app.processor.force_flush()
    assert app.total("app_orders_total") == 1
    assert app.total(CALLS) == 1
    meters.shutdown()
    app.provider.shutdown()


def test_ending_a_span_neither_waits_nor_grows_without_bound(app_with: Callable[..., App]) -> None:
    """R56, R110: with the thread held up, the queue fills, the rest is dropped and counted, and no call blocks."""
    app = app_with(max_queue=10)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with app.processor._lock:
            held.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    app.call(25)  # would never return if it waited for the lock
    release.set()
    holder.join()
    app.processor.force_flush()
    assert app.total(CALLS) == 10
    assert app.total(SPANS, result="dropped", reason="queue_full") == 15
    assert app.total(catalogue.SPANS_RECEIVED.name) == 25 == app.total(SPANS)


def test_a_failing_pipeline_never_reaches_the_application(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> Receipt:
        raise RuntimeError("broken")

    monkeypatch.setattr(app.processor._core.pipeline, "traces", fail)
    for _ in range(2):
        app.call()
        assert app.processor.force_flush()
    assert [record.message.count("further failures") for record in caplog.records] == [1]
    monkeypatch.undo()
    app.call()
    assert app.processor.force_flush()
    assert app.total(CALLS) == 1
    assert app.total(SPANS, result="dropped", reason="failed") == 2


def test_one_span_that_cannot_be_encoded_costs_no_other(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(spans: Any) -> Any:
        if any(span.name == "bad" for span in spans):
            raise TypeError("not encodable")
        return encode_spans(spans)

    monkeypatch.setattr(inprocess, "encode_spans", encode)
    app.call(2)
    with app.tracer.start_as_current_span("bad"):
        pass
    app.call(2)
    assert app.processor.force_flush()
    assert app.total(CALLS) == 4
    assert app.total(SPANS, result="dropped", reason="failed") == 1


def test_a_full_pipeline_gets_the_spans_later(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = app.processor._core.pipeline
    take = pipeline.traces
    refused: list[bytes] = []

    def refuse_once(body: bytes, encoding: Any, now: float) -> Receipt:
        if not refused:
            refused.append(body)
            raise Full
        return take(body, encoding, now)

    monkeypatch.setattr(pipeline, "traces", refuse_once)
    app.call(3)
    assert app.processor.force_flush()
    assert refused
    assert app.total(CALLS) == 3
    assert app.total(SPANS, result="dropped") == 0


def test_more_spans_than_the_pipeline_may_hold(app_with: Callable[..., App]) -> None:
    app = app_with(settings=Settings(assembly=AssemblySettings(max_pending_spans=100)))
    app.call(250)
    assert app.processor.force_flush()
    assert app.total(CALLS) == 250


def test_flush_gives_up_in_time(app: App) -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with app.processor._lock:
            held.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    assert app.processor.force_flush(timeout_millis=1) is False
    release.set()
    holder.join()


def test_shutdown_settles_and_later_spans_are_counted_as_dropped(app: App) -> None:
    """R105: nothing that ended before is lost."""
    app.call(2)
    app.processor.shutdown()
    app.call()
    assert app.total(CALLS) == 2
    assert app.total(SPANS, result="dropped", reason="shutdown") == 1
    app.processor.shutdown()
    assert app.total(CALLS) == 2


def test_two_processors_cannot_share_a_registry(app: App) -> None:
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        GenAISpanProcessor(registry=app.registry)


def test_registry_none_registers_nowhere(app_with: Callable[..., App]) -> None:
    registry = CollectorRegistry()
    processor = GenAISpanProcessor(registry=None)
    registry.register(processor.collector)
    assert registry.get_sample_value(catalogue.PENDING_SPANS.name) == 0
    processor.shutdown()


def test_dimensions(app_with: Callable[..., App]) -> None:
    app = app_with(dimensions=["gen_ai_request_model"])
    app.call()
    app.processor.force_flush()
    assert app.total(CALLS, gen_ai_request_model="gpt-4o", error_type="") == 1
    labels = {key for family in app.registry.collect() for s in family.samples if s.name == CALLS for key in s.labels}
    assert "gen_ai_request_model" in labels
    assert "llm_flow" not in labels


@pytest.mark.parametrize("arguments", [{"dimensions": ["user_id"]}, {"max_queue": 0}])
def test_bad_arguments_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"user_id|max_queue"):
        GenAISpanProcessor(registry=None, **arguments)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_counts_for_itself(app: App) -> None:
    app.call(5)
    app.processor.force_flush()
    app.call(1)  # still queued when the child is born: the parent will count it, the child must not
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            before = app.total(CALLS)
            app.call(2)
            flushed = app.processor.force_flush()
            found = [before, app.total(CALLS), flushed, app.processor._thread.is_alive()]
            os.write(writing, json.dumps(found).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        assert json.loads(answer.read()) == [0, 2, True, True]
    assert os.waitpid(child, 0)[1] == 0
    app.processor.force_flush()
    assert app.total(CALLS) == 6
