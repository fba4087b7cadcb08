"""The exporter's own health, through opentelemetry-sdk into a registry of prometheus_client.

Numbers that exist anyway (what became of spans, how many are pending, series in use) are read when the page is
rendered; only requests are counted as they happen. Nothing global is set: no meter provider, no default registry, so
the same process may have its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, exposition
from prometheus_client.openmetrics import exposition as openmetrics_exposition

from genai_exporter import catalogue
from genai_exporter.metrics.model import Metric

Reading: TypeAlias = tuple[float, tuple[str, ...]]
"""A value, and the values of the metric's labels in their order."""

SERVICE: Final = "genai-exporter"
SIGNALS: Final = ("traces", "logs", "metrics")


class SelfMetrics:
    """The registry of the exporter's own metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False, registry=self.registry)
        self._provider = MeterProvider([reader], Resource.get_empty(), shutdown_on_exit=False)
        self._meter = self._provider.get_meter(SERVICE)
        metric = catalogue.REQUESTS
        self._requests = self._meter.create_counter(metric.family, metric.unit, metric.help)
        self._request_labels = tuple(label.name for label in metric.labels)
        for signal in SIGNALS:
            # At 0 from the start, so that the first request is an increase.
            for transport, taken in (("http", "200"), ("grpc", "OK")):
                self._count_requests(0, transport, signal, taken)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def observe(self, metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
        """Show ``metric`` with what ``read`` returns at the time of a scrape. Counters must not go back."""
        names = tuple(label.name for label in metric.labels)

        def callback(options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(value, dict(zip(names, labels, strict=True))) for value, labels in read()]

        if metric.kind == "counter":
            self._meter.create_observable_counter(metric.family, [callback], metric.unit, metric.help)
        elif metric.kind == "gauge":
            self._meter.create_observable_gauge(metric.family, [callback], metric.unit, metric.help)
        else:
            raise ValueError(f"{metric.name} is a {metric.kind}; only counters and gauges can be observed")

    def observe_value(self, metric: Metric, read: Callable[[], float]) -> None:
        """Show ``metric``, which has no labels, with what ``read`` returns."""
        self.observe(metric, lambda: [(read(), ())])

    def observe_mapping(self, metric: Metric, read: Callable[[], Mapping[str, float]]) -> None:
        """Show ``metric``, which has one label, with a value for each key of what ``read`` returns.

        The values of a closed vocabulary are there from the start, at 0.
        """
        (label,) = metric.labels
        known = dict.fromkeys(label.values or (), 0.0)
        self.observe(metric, lambda: [(value, (key,)) for key, value in {**known, **read()}.items()])

    def on_request(self, transport: str, signal: str, code: str, /) -> None:
        """Count one answered OTLP request."""
        self._count_requests(1, transport, signal, code)

    def _count_requests(self, count: int, *labels: str) -> None:
        self._requests.add(count, dict(zip(self._request_labels, labels, strict=True)))

    def render(self, *, openmetrics: bool) -> bytes:
        """The page of these metrics; in OpenMetrics with the closing ``# EOF``."""
        if openmetrics:
            page: bytes = openmetrics_exposition.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return page
        return exposition.generate_latest(self.registry)

    def shutdown(self) -> None:
        """Release what the meter provider holds."""
        self._provider.shutdown()
