"""Metrics of other programs that the health board shows: they are in no catalogue of ours, so they are listed here."""

from __future__ import annotations

from typing import Final

from genai_exporter.promql import Expr

PROCESS: Final = ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds")
"""Of any Prometheus client library: the exporter's own among them."""

SCRAPES: Final = ("up", "scrape_duration_seconds", "scrape_samples_scraped", "ALERTS")
"""What Prometheus adds by itself."""

PROMETHEUS: Final = (
    "prometheus_tsdb_head_series",
    "prometheus_tsdb_storage_blocks_bytes",
    "prometheus_rule_evaluation_failures_total",
    "prometheus_rule_group_iterations_missed_total",
    "prometheus_notifications_dropped_total",
    "prometheus_target_scrapes_exceeded_sample_limit_total",
)
ALERTMANAGER: Final = (
    "alertmanager_alerts",
    "alertmanager_notifications_total",
    "alertmanager_notifications_failed_total",
)
TEMPO: Final = ("tempo_distributor_spans_received_total", "tempo_discarded_spans_total")

DISKS: Final = (
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
)
POSTGRES: Final = (
    "pg_up",
    "pg_stat_activity_count",
    "pg_settings_max_connections",
    "pg_stat_activity_max_tx_duration",
)
"""Of postgres_exporter."""

KNOWN: Final = frozenset({*PROCESS, *SCRAPES, *PROMETHEUS, *ALERTMANAGER, *TEMPO, *DISKS, *POSTGRES})


def foreign(template: str, *names: str) -> Expr:
    """An expression over metrics of other programs: ``{0}`` and so on are their names. KeyError for one not listed."""
    if strangers := sorted(set(names) - KNOWN):
        raise KeyError(f"not among the known metrics of other programs: {', '.join(strangers)}")
    text = template
    for number, name in enumerate(names):
        text = text.replace(f"{{{number}}}", name)
    return Expr(text, names)
