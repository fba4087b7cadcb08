"""The time to write a metrics page of 20,000 series, next to prometheus_client writing as many lines."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from genai_exporter import catalogue
from genai_exporter.metrics.model import Metric
from genai_exporter.metrics.store import Store

SERIES = 20_000
METRICS = (catalogue.CALL_DURATION, catalogue.TOKEN_USAGE, catalogue.COST, catalogue.CALL_FINISH_REASONS)
OBSERVED = 0.7
NOW = 1_800_000_000.0
MARK = (bytes(range(16)), bytes(range(8)), NOW)


Touch = Callable[[int], None]


class Result(NamedTuple):
    """CPU seconds for one page: text and OpenMetrics of the store, and ``generate_latest``; lines of each."""

    seconds: float
    openmetrics_seconds: float
    client_seconds: float
    lines: int
    client_lines: int

    @property
    def ratio(self) -> float:
        """How many times cheaper a line is."""
        return (self.client_seconds / self.client_lines) / (self.seconds / self.lines)


def measure(rounds: int, series: int = SERIES) -> Result:
    """Medians over interleaved rounds. Some series change before every page, as they do in life."""
    store, touch_store = _store(series)
    registry, touch_registry = _registry(series)
    pages: dict[str, Callable[[], bytes]] = {
        "text": lambda: store.render(openmetrics=False),
        "openmetrics": lambda: store.render(openmetrics=True),
        "client": lambda: generate_latest(registry),
    }
    spent: dict[str, list[float]] = {name: [] for name in pages}
    lines: dict[str, int] = {}
    for i in range(rounds + 1):
        for name, page in pages.items():
            touch_store(i)
            touch_registry(i)
            start = time.process_time()
            content = page()
            if i:  # the first round warms up
                spent[name].append(time.process_time() - start)
            lines[name] = sum(1 for line in content.splitlines() if line and not line.startswith(b"#"))
    seconds, openmetrics, client = (statistics.median(spent[name]) for name in pages)
    return Result(seconds, openmetrics, client, lines["text"], lines["client"])


def _lines(metric: Metric) -> int:
    return len(metric.buckets) + 3 if metric.buckets else 1


def _values(metric: Metric, number: int) -> tuple[str, ...]:
    """Label values of the length they have in practice, different for every number."""
    known = {
        "service_name": f"support-bot-{number % 23:02d}",
        "gen_ai_request_model": f"claude-3-5-sonnet-2024{number % 29:04d}",
        "gen_ai_response_model": f"claude-3-5-sonnet-2024{number % 29:04d}",
        "llm_flow": f"answer_question_{number:04d}",
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "anthropic",
        "deployment_environment_name": "production",
        "gen_ai_prompt_version": "v2.3",
        "error_type": "",
        "gen_ai_token_type": "input",
        "cost_source": "computed",
        "finish_reason": "stop",
    }
    return tuple(known.get(label.name, "") for label in metric.labels)


def _sets(series: int) -> int:
    return round(series / sum(_lines(metric) for metric in METRICS))


def _store(series: int) -> tuple[Store, Touch]:
    store = Store(max_label_values=100_000, max_series=1_000_000, idle_seconds=3600.0)
    touches: list[Callable[[], None]] = []
    for metric in METRICS:
        for number in range(_sets(series)):
            if metric.buckets:
                if number == 0:
                    histogram = store.histogram(metric)
                observe = histogram.child(_values(metric, number), NOW).observe
                touches.append(functools.partial(observe, OBSERVED, MARK))
            else:
                if number == 0:
                    counter = store.counter(metric)
                touches.append(functools.partial(counter.child(_values(metric, number), NOW).inc, 1.0, MARK))
    return store, _toucher(touches)


def _registry(series: int) -> tuple[CollectorRegistry, Touch]:
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    touches: list[Callable[[], None]] = []
    for metric in METRICS:
        names = [label.name for label in metric.labels]
        for number in range(_sets(series)):
            if metric.buckets:
                if number == 0:
                    histogram = Histogram(metric.name, metric.help, names, buckets=metric.buckets, registry=registry)
                touches.append(functools.partial(histogram.labels(*_values(metric, number)).observe, OBSERVED))
            else:
                if number == 0:
                    counter = Counter(metric.name, metric.help, names, registry=registry)
                touches.append(counter.labels(*_values(metric, number)).inc)
    return registry, _toucher(touches)


def _toucher(touches: list[Callable[[], None]]) -> Touch:
    """Changes every series once, then another tenth of them each turn."""
    for touch in touches:
        touch()

    def change(turn: int) -> None:
        for touch in touches[turn % 10 :: 10]:
            touch()

    return change
