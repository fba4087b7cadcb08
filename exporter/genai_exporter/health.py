"""Which number of the running service is which metric of its own health."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from genai_exporter import catalogue
from genai_exporter.core import Core
from genai_exporter.reload import Reloader
from genai_exporter.selfmetrics import Reading, SelfMetrics
from genai_exporter.sinks.stats import SinkStats


def observe(
    metrics: SelfMetrics, core: Core, reloader: Reloader, *, version: str, render_seconds: Callable[[], float]
) -> None:
    """Show the state of the service in ``metrics``; it is read when the page is rendered."""
    stats, store = core.pipeline.stats, core.store
    metrics.observe(catalogue.BUILD_INFO, lambda: [(1, (version,))])

    metrics.observe_value(catalogue.SPANS_RECEIVED, lambda: stats.received)
    metrics.observe(catalogue.SPANS, lambda: _pairs(stats.spans, ("recorded", "")))
    metrics.observe_mapping(catalogue.DIALECT_SPANS, lambda: stats.dialects)
    metrics.observe(catalogue.LOG_RECORDS, lambda: _pairs(stats.log_records, ("recorded", "")))
    metrics.observe_value(catalogue.METRIC_POINTS, lambda: stats.metric_points)
    metrics.observe_value(catalogue.PENDING_SPANS, lambda: stats.pending_spans)
    metrics.observe_value(catalogue.PENDING_SPANS_LIMIT, lambda: stats.capacity)
    metrics.observe_value(catalogue.PENDING_TRACES, lambda: stats.pending_traces)
    metrics.observe_mapping(
        catalogue.INVALID_ATTRIBUTES, lambda: {**stats.invalid_attributes, "unrecordable": store.rejected_values}
    )
    metrics.observe_mapping(catalogue.AMBIGUOUS_CALLS, lambda: stats.ambiguous)
    metrics.observe_value(catalogue.CALLS_WITHOUT_USAGE, lambda: stats.calls_without_usage)
    metrics.observe_mapping(catalogue.TRACES_WITHOUT_VERSION, lambda: stats.missing_versions)
    metrics.observe_value(catalogue.SETTLE_LAG, lambda: stats.settle_lag_s)

    metrics.observe_mapping(catalogue.LABEL_OVERFLOW, lambda: store.label_overflow)
    metrics.observe_mapping(catalogue.SERIES_OVERFLOW, lambda: store.series_overflow)
    metrics.observe_value(catalogue.ACTIVE_SERIES, lambda: store.active_series)
    metrics.observe_value(catalogue.SERIES_LIMIT, lambda: store.max_series)
    metrics.observe_value(catalogue.SERIES_EXPIRED, lambda: store.series_expired)
    metrics.observe_value(catalogue.RENDER_SECONDS, render_seconds)

    metrics.observe_value(catalogue.CONFIG_RELOAD_SUCCESSFUL, lambda: int(reloader.successful))
    metrics.observe_value(catalogue.CONFIG_RELOAD_TIME, lambda: reloader.succeeded_at)


def observe_sinks(metrics: SelfMetrics, sinks: Callable[[], Sequence[SinkStats]]) -> None:
    """Show what became of spans and rows in the sinks that are configured."""
    metrics.observe(
        catalogue.SINK_ITEMS,
        lambda: [(count, (sink.name, result)) for sink in sinks() for result, count in sink.items().items()],
    )
    metrics.observe(catalogue.SINK_QUEUE_ITEMS, lambda: [(sink.waiting(), (sink.name,)) for sink in sinks()])
    metrics.observe(catalogue.SINK_QUEUE_LIMIT_ITEMS, lambda: [(sink.limit, (sink.name,)) for sink in sinks()])
    metrics.observe(
        catalogue.SINK_QUEUE_BYTES,
        lambda: [(sink.waiting_bytes(), (sink.name,)) for sink in sinks() if sink.waiting_bytes is not None],
    )
    metrics.observe(
        catalogue.SINK_QUEUE_LIMIT_BYTES,
        lambda: [(sink.limit_bytes, (sink.name,)) for sink in sinks() if sink.limit_bytes is not None],
    )
    metrics.observe(catalogue.SINK_UP, lambda: [(int(sink.up), (sink.name,)) for sink in sinks()])
    metrics.observe(catalogue.SINK_RETRIES, lambda: [(sink.retries, (sink.name,)) for sink in sinks()])


def _pairs(counts: Mapping[tuple[str, str], int], known: tuple[str, str]) -> Iterator[Reading]:
    """Counts by result and reason; ``known`` is there from the start."""
    for labels, count in {known: 0, **counts}.items():
        yield count, labels
