"""Renders the reference of metrics from the catalogue: ``python -m genai_exporter.metrics.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from genai_exporter import catalogue

from .exposition import bound_text
from .model import NO_CEILING, Label, Metric

_INTRODUCTION = """\
<!-- Generated from exporter/genai_exporter/catalogue.py. Do not edit; render it again with
     `python -m genai_exporter.metrics.reference > docs/metrics.md`. -->

# Metrics

Metrics that OpenTelemetry names keep its names and labels (semantic conventions 1.41, spelt as Prometheus' OTLP
receiver spells them). What it does not name is `llm_*`. The health of the service itself is `genai_exporter_*`.
Numbers such as R42 are items of the project's requirements.

Things to know when you write a query:

- A value that was not reported is absent, never 0. Calls without token usage, or without a known price, have counters
  of their own.
- A histogram `x` is stored as `x_bucket`, `x_sum` and `x_count`. Bucket edges lie exactly on the thresholds that the
  alerts use, so the share of slow or expensive calls needs no interpolation:
  `1 - sum(rate(x_bucket{le="60.0"}[5m])) / sum(rate(x_count[5m]))`.
- Histograms, and counters of events, carry exemplars with `trace_id` and `span_id` when Prometheus asks for
  OpenMetrics. Each bucket keeps its own, so slow calls stay in view.
- Once a label has reached its limit, further values become `__other__`, and `genai_exporter_label_overflow_total`
  counts. Beyond the limit on series, all labels of a new series but those with listed values become `__other__`, and
  `genai_exporter_series_overflow_total` counts.
- A series in which nothing was recorded for `metrics.idle_seconds` leaves the page. If it comes back, its counters
  start at 0 again, as after a restart.
- Counters of things that go wrong start at 0 as soon as the model or the application is first seen. A new series of
  `llm_evaluations_total` is shown as 0 on one page before it rises, so its first failure is an increase.
"""


def render() -> str:
    """The whole reference as Markdown."""
    groups = (
        ("From your applications' spans", [metric for metric in catalogue.ALL if metric.audience == "operator"]),
        ("The service's own health", [metric for metric in catalogue.ALL if metric.audience == "internal"]),
    )
    parts = [_INTRODUCTION]
    for title, metrics in groups:
        parts.append(f"## {title}\n")
        parts.extend(_metric(metric) for metric in metrics)
    parts.append(_dimensions())
    return "\n".join(parts)


def _metric(metric: Metric) -> str:
    lines = [f"### `{metric.name}`", "", metric.help, "", f"- Type: {metric.kind}" + _unit(metric)]
    if metric.labels:
        lines.append(f"- Labels: {_names(metric.labels)}")
    if metric.optional:
        lines.append(f"- Labels on request: {_names(metric.optional)}")
    if metric.buckets:
        lines.append(f"- Bucket edges: {', '.join(bound_text(edge) for edge in metric.buckets)}")
    lines.extend(
        f"- `{label.name}`: {label.meaning} {_values(label)}".rstrip()
        for label in metric.labels
        if label.name not in catalogue.DEFAULT_DIMENSIONS and label not in catalogue.VOCABULARY
    )
    return "\n".join([*lines, ""])


def _dimensions() -> str:
    lines = [
        "## Labels",
        "",
        "The configuration key `metrics.dimensions` chooses among these. Labels that define a metric, such as the",
        "tool's name on the duration of tools, are always present.",
        "",
        "| label | meaning | by default | distinct values |",
        "| --- | --- | --- | --- |",
    ]
    for label in catalogue.VOCABULARY:
        default = "yes" if label.name in catalogue.DEFAULT_DIMENSIONS else "where it defines the metric"
        limit = "`max_label_values`" if label.limit == NO_CEILING else f"at most {label.limit}"
        if label.values is not None:
            limit = _values(label)
        lines.append(f"| `{label.name}` | {label.meaning} | {default} | {limit} |")
    return "\n".join([*lines, ""])


def _unit(metric: Metric) -> str:
    return f", in {metric.unit.replace('usd', 'US dollars')}" if metric.unit else ""


def _names(labels: Iterable[Label]) -> str:
    return ", ".join(f"`{label.name}`" for label in labels)


def _values(label: Label) -> str:
    return ", ".join(f"`{value}`" for value in label.values or ())


if __name__ == "__main__":
    sys.stdout.write(render())
