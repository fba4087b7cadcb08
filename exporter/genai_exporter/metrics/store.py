"""Holds all series that are derived from spans, within limits, and renders them.

prometheus_client spends microseconds on each observation and half a second on a page of 20,000 lines. This store does
the same job for a pipeline that records tens of thousands of calls a second: a child is looked up once and kept, an
observation is a bisection and an addition, and label text is rendered when a series is born. Not thread-safe: record,
sweep and render from one thread, or under one lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from prometheus_client.core import Metric as PrometheusMetric

from . import bridge
from .children import Tally
from .family import CounterFamily, GaugeFamily, HistogramFamily
from .limits import LabelLimits, SeriesBudget
from .model import Metric

AnyFamily: TypeAlias = CounterFamily | GaugeFamily | HistogramFamily
_FamilyT = TypeVar("_FamilyT", CounterFamily, GaugeFamily, HistogramFamily)
_NO_LIMITS: Mapping[str, int] = MappingProxyType({})


class Store:
    """All families and the limits they share.

    ``max_label_values`` bounds the distinct values of each label; ``label_limits`` overrides it by label name.
    ``max_series`` bounds the sample lines exposed, as Prometheus counts series; one metric may hold half of them.
    ``idle_seconds`` is how long a series stays after its last use.
    """

    def __init__(
        self,
        *,
        max_label_values: int,
        max_series: int,
        idle_seconds: float,
        label_limits: Mapping[str, int] = _NO_LIMITS,
    ) -> None:
        self.idle_seconds = idle_seconds
        self.limits = LabelLimits(max_label_values, label_limits)
        self.budget = SeriesBudget(max_series)
        self.series_expired = 0
        self._tally = Tally()
        self._families: dict[str, AnyFamily] = {}

    def configure(
        self, *, max_label_values: int, max_series: int, idle_seconds: float, label_limits: Mapping[str, int]
    ) -> None:
        """Set new limits while running. Series that exist stay until they expire."""
        self.idle_seconds = idle_seconds
        self.budget.max_series = max_series
        self.limits.configure(max_label_values, label_limits)

    def counter(self, metric: Metric, labels: tuple[str, ...] | None = None) -> CounterFamily:
        """Add a counter with the metric's own labels or a subset. Raises ValueError when it is no counter, is in the
        store already, or cannot have the labels."""
        return self._add("counter", CounterFamily, metric, labels)

    def gauge(self, metric: Metric, labels: tuple[str, ...] | None = None) -> GaugeFamily:
        """Add a gauge. Raises ValueError as ``counter`` does."""
        return self._add("gauge", GaugeFamily, metric, labels)

    def histogram(self, metric: Metric, labels: tuple[str, ...] | None = None) -> HistogramFamily:
        """Add a histogram. Raises ValueError as ``counter`` does."""
        return self._add("histogram", HistogramFamily, metric, labels)

    def _add(self, kind: str, make: type[_FamilyT], metric: Metric, labels: tuple[str, ...] | None) -> _FamilyT:
        if metric.kind != kind:
            raise ValueError(f"{metric.name} is a {metric.kind}, not a {kind}")
        if metric.name in self._families:
            raise ValueError(f"{metric.name} is in the store already")
        chosen = tuple(label.name for label in metric.labels) if labels is None else labels
        family = make(metric, chosen, self.limits, self.budget, self._tally)
        self._families[metric.name] = family
        return family

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics it holds, in the order of the page."""
        return tuple(family.metric for family in self._families.values())

    @property
    def active_series(self) -> int:
        """Sample lines on the page."""
        return self.budget.lines + self.budget.overflow_lines

    @property
    def max_series(self) -> int:
        """The limit on sample lines."""
        return self.budget.max_series

    @property
    def label_overflow(self) -> Mapping[str, int]:
        """Recordings in which a value was replaced, cut or repaired, by label name."""
        return self.limits.overflow

    @property
    def series_overflow(self) -> Mapping[str, int]:
        """Recordings that went to the overflow series, by metric name."""
        return self.budget.overflow

    @property
    def rejected_values(self) -> int:
        """Values that were NaN, infinite or negative and are in no series."""
        return self._tally.rejected

    def sweep(self, now: float) -> int:
        """Remove the series that were idle for longer than ``idle_seconds``; returns how many lines that were."""
        freed = sum(family.sweep(now - self.idle_seconds) for family in self._families.values())
        self.series_expired += freed
        return freed

    def render(self, *, openmetrics: bool) -> bytes:
        """Render everything in text format 0.0.4, or in OpenMetrics 1.0.0 without the closing ``# EOF``.

        Held counters count as exposed afterwards.
        """
        out: list[str] = []
        for family in self._families.values():
            family.write(out, openmetrics=openmetrics)
        page = "".join(out).encode()
        self._exposed()
        return page

    def collect(self) -> Iterator[PrometheusMetric]:
        """Yield the same families for a prometheus_client registry. Held counters count as exposed at the end."""
        for family in self._families.values():
            yield bridge.convert(family)
        self._exposed()

    def describe(self) -> Iterator[PrometheusMetric]:
        """Yield the families without samples, by which a registry checks for duplicate names."""
        for metric in self.metrics:
            yield bridge.empty(metric)

    def _exposed(self) -> None:
        for family in self._families.values():
            family.exposed()
