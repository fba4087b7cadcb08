"""Presents families to a prometheus_client registry: the slow path, for applications that run their own."""

from __future__ import annotations

from itertools import accumulate

from prometheus_client.core import Metric as PrometheusMetric
from prometheus_client.samples import Exemplar

from .children import CounterChild, GaugeChild, HistogramChild, Mark
from .exposition import bound_text
from .family import CounterFamily, GaugeFamily, HistogramFamily
from .model import Metric


def empty(metric: Metric) -> PrometheusMetric:
    """The family without samples."""
    unit = metric.unit if metric.unit and metric.family.endswith(f"_{metric.unit}") else ""
    return PrometheusMetric(metric.family, metric.help, metric.kind, unit)


def convert(family: CounterFamily | GaugeFamily | HistogramFamily) -> PrometheusMetric:
    """The family with its samples and exemplars as they are now."""
    converted = empty(family.metric)
    name = family.metric.name
    for child in family.children.values():
        labels = dict(zip(family.label_names, child.values, strict=True))
        if isinstance(child, HistogramChild):
            _add_histogram(converted, name, labels, child)
        elif isinstance(child, CounterChild):
            found = _exemplar(child.mark, child.mark_value) if child.value else None
            converted.add_sample(name, labels, child.value, exemplar=found)
        elif isinstance(child, GaugeChild):
            converted.add_sample(name, labels, child.value)
    return converted


def _add_histogram(converted: PrometheusMetric, name: str, labels: dict[str, str], child: HistogramChild) -> None:
    bounds = (*child.bounds, float("inf"))
    rows = zip(bounds, accumulate(child.counts), child.marks, child.marks_values, strict=True)
    for bound, count, mark, value in rows:
        found = _exemplar(mark, value)
        converted.add_sample(f"{name}_bucket", {**labels, "le": bound_text(bound)}, count, exemplar=found)
    converted.add_sample(f"{name}_sum", labels, child.total)
    converted.add_sample(f"{name}_count", labels, sum(child.counts))


def _exemplar(mark: Mark | None, value: float) -> Exemplar | None:
    if mark is None:
        return None
    trace_id, span_id, when = mark
    return Exemplar({"trace_id": trace_id.hex(), "span_id": span_id.hex()}, value, when)
