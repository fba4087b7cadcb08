"""The part of the health board that is about the servers beside the exporter."""

from __future__ import annotations

from typing import Final

from genai_exporter import catalogue_ledger as ledger
from genai_exporter import promql
from genai_exporter.promql import Expr

from . import queries as q
from . import runbooks as doc
from . import thresholds as t
from .foreign import foreign
from .house import Column, Panel, prom, sql, stat, table, timeseries

PER_MINUTE: Final = "Per minute."
LONGEST: Final = "longest transaction"
NO_SCRAPE: Final = "This Prometheus does not scrape it"


# fmt: off
# One option after the other on shared lines: a board is read as a list of panels.

def servers() -> list[Panel]:
    return [
        timeseries(
            "Targets that answer", "By job: 1 when every target of the job was scraped.",
            prom(foreign("min by (job) ({0})", "up"), "{{job}}"),
            unit="short", most=1, limits=t.UP, width=8, links=[doc.STACK],
        ),
        timeseries(
            "Duration of scrapes", "The slowest target of each job.",
            prom(foreign("max by (job) ({0})", "scrape_duration_seconds"), "{{job}}"),
            unit="s", width=8, links=[doc.STACK],
        ),
        timeseries(
            "Samples per scrape", "All targets of each job.",
            prom(foreign("sum by (job) ({0})", "scrape_samples_scraped"), "{{job}}"),
            unit="short", width=8, links=[doc.SERIES],
        ),
        timeseries(
            "Prometheus: series in memory", "Its memory follows them.",
            prom(foreign("sum by (instance) ({0})", "prometheus_tsdb_head_series"), "{{instance}}"),
            unit="short", width=8, links=[doc.STACK], empty=NO_SCRAPE,
        ),
        timeseries(
            "Prometheus: size on disk", "Blocks that are written; the newest hours are not among them.",
            prom(foreign("sum by (instance) ({0})", "prometheus_tsdb_storage_blocks_bytes"), "{{instance}}"),
            unit="bytes", width=8, links=[doc.DISK], empty=NO_SCRAPE,
        ),
        timeseries(
            "Rules that failed",
            f"{PER_MINUTE} Rules that Prometheus could not evaluate, and groups of rules that it skipped.",
            prom(foreign("sum (rate({0}[$__rate_interval])) * 60", "prometheus_rule_evaluation_failures_total"),
                 "rules failed"),
            prom(foreign("sum (rate({0}[$__rate_interval])) * 60", "prometheus_rule_group_iterations_missed_total"),
                 "rule groups skipped"),
            unit="short", width=8, links=[doc.RULES], empty=NO_SCRAPE,
        ),
        timeseries(
            "Alertmanager: alerts", "Alerts that it knows, by state.",
            prom(foreign("sum by (state) ({0})", "alertmanager_alerts"), "{{state}}"),
            unit="short", width=8, links=[doc.STACK], empty=NO_SCRAPE,
        ),
        timeseries(
            "Notifications",
            f"{PER_MINUTE} Sent and failed, by integration of Alertmanager; dropped before they reached it.",
            prom(foreign("sum by (integration) (rate({0}[$__rate_interval])) * 60",
                         "alertmanager_notifications_total"), "{{integration}} sent"),
            prom(foreign("sum by (integration) (rate({0}[$__rate_interval])) * 60",
                         "alertmanager_notifications_failed_total"), "{{integration}} failed"),
            prom(foreign("sum (rate({0}[$__rate_interval])) * 60", "prometheus_notifications_dropped_total"),
                 "dropped by Prometheus"),
            unit="short", width=8, links=[doc.NOTIFICATIONS], empty=NO_SCRAPE,
        ),
        timeseries(
            "Tempo: spans", f"{PER_MINUTE} Received, and discarded by reason.",
            prom(foreign("sum (rate({0}[$__rate_interval])) * 60", "tempo_distributor_spans_received_total"),
                 "received"),
            prom(foreign("sum by (reason) (rate({0}[$__rate_interval])) * 60", "tempo_discarded_spans_total"),
                 "discarded: {{reason}}"),
            unit="short", width=8, links=[doc.STACK], empty=NO_SCRAPE,
        ),
        timeseries(
            "Baselines",
            "Series of each recorded baseline: an alert can compare only with what is known to be normal (R81).",
            prom(Expr('count by (__name__) ({__name__=~".+:.+_baseline"})'), "{{__name__}}"),
            unit="short", width=8, links=[doc.BASELINES], empty="Nothing is recorded yet, or rules are not loaded",
        ),
        timeseries(
            "Free disk space", "Of file systems and persistent volumes (R55, R78).",
            prom(foreign("min by (instance, mountpoint) ({0} / {1})", "node_filesystem_avail_bytes",
                         "node_filesystem_size_bytes"), "{{instance}} {{mountpoint}}"),
            prom(foreign("min by (namespace, persistentvolumeclaim) ({0} / {1})",
                         "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"),
                 "{{namespace}} {{persistentvolumeclaim}}"),
            unit="percentunit", most=1, limits=t.DISK_FREE, width=8, links=[doc.DISK], empty=NO_SCRAPE,
        ),
        timeseries(
            "PostgreSQL", "1 while it answers, and connections in use of those allowed (R55, R78). The longest "
            "transaction has the axis on the right.",
            prom(foreign("min by (instance) ({0})", "pg_up"), "answers"),
            prom(foreign("sum by (instance) ({0}) / max by (instance) ({1})", "pg_stat_activity_count",
                         "pg_settings_max_connections"), "connections"),
            prom(foreign("max by (instance) ({0})", "pg_stat_activity_max_tx_duration"), LONGEST),
            unit="percentunit", limits=t.CAPACITY, width=8, links=[doc.POSTGRES], empty=NO_SCRAPE,
            overrides=[{
                "matcher": {"id": "byName", "options": LONGEST},
                "properties": [{"id": "unit", "value": "s"}, {"id": "custom.axisPlacement", "value": "right"}],
            }],
        ),
    ]


def postgres() -> list[Panel]:
    empty = "No ledger is connected"
    return [
        stat(
            "Age of the last backup", "How long ago each task of the backup last succeeded.",
            prom(q.age(promql.value(ledger.BACKUP_TIME, [ledger.JOB])), "{{task}}"),
            unit="s", limits=t.BACKUP_AGE, width=6, height=6, names=True, links=[doc.BACKUP],
            empty="No backup has reported",
        ),
        stat(
            "Postgres: size", "Of the whole database (R55, R78).",
            sql("SELECT pg_database_size(current_database()) AS size"),
            unit="bytes", width=6, height=6, links=[doc.DISK], empty=empty,
        ),
        stat(
            "Postgres: connections", "Of those allowed (R55, R78).",
            sql("""
                SELECT count(*)::float / current_setting('max_connections')::float AS used
                FROM pg_stat_activity
            """),
            unit="percentunit", limits=t.CAPACITY, width=6, height=6, links=[doc.STACK], empty=empty,
        ),
        stat(
            "Postgres: reads from memory", "The share of blocks that were found in its cache (R55).",
            sql("""
                SELECT blks_hit::float / greatest(blks_hit + blks_read, 1) AS hits
                FROM pg_stat_database
                WHERE datname = current_database()
            """),
            unit="percentunit", width=6, height=6, links=[doc.STACK], empty=empty,
        ),
        table(
            "Postgres: largest tables", "With their indexes (R55, R78).",
            sql("""
                SELECT relname AS "table", n_live_tup AS "rows", n_dead_tup AS "dead rows",
                       pg_total_relation_size(relid) AS "size", last_autovacuum AS "cleaned"
                FROM pg_stat_user_tables
                ORDER BY pg_total_relation_size(relid) DESC
                LIMIT 20
            """),
            columns=[Column("size", unit="bytes"), Column("rows", unit="short"), Column("dead rows", unit="short")],
            links=[doc.DISK], empty=empty,
        ),
    ]
