"""Exporter and stack health: is what the other boards show complete, and does the stack behind them work?"""

from __future__ import annotations

from collections.abc import Iterable

from genai_exporter import catalogue as c
from genai_exporter import promql
from genai_exporter.catalogue import Label, Metric
from genai_exporter.promql import Expr, Matches, Not, NotMatches

from . import health_stack
from . import queries as q
from . import runbooks as doc
from . import thresholds as t
from .foreign import foreign
from .house import Board, Column, Panel, Row, prom, stat, table, timeseries

LOSSES = {c.SPAN_RESULT: Matches("invalid|dropped")}
PER_MINUTE = "Per minute."
NO_SINK = "No sink is configured"
EXPORTERS = 'job=~".*genai-exporter.*"'
"""The jobs that scrape exporters, as provisioned and as the Helm chart names them."""


def own(metric: Metric, by: Iterable[Label] = (), where: promql.Where | None = None) -> Expr:
    """Of the service itself, over all replicas: events per second, or the highest of a gauge."""
    if metric.kind == "gauge":
        return promql.value(metric, by, where)
    return promql.rate(metric, q.WINDOW, by, where)


def lost(window: str) -> Expr:
    return promql.increase(c.SPANS, window, (), LOSSES).or_(promql.increase(c.SPANS_RECEIVED, window) * 0)


# fmt: off
# One option after the other on shared lines: a board is read as a list of panels.

def refused() -> Expr:
    """Requests in the time range that were answered with anything but success."""
    bad = promql.increase(c.REQUESTS, q.RANGE, (), {c.CODE: NotMatches("2..|OK")})
    return bad.or_(promql.increase(c.REQUESTS, q.RANGE) * 0)


def now() -> list[Panel]:
    pending = promql.value(c.PENDING_SPANS) / promql.value(c.PENDING_SPANS_LIMIT)
    series = promql.value(c.ACTIVE_SERIES) / promql.value(c.SERIES_LIMIT)
    return [
        stat(
            "Spans received", "Per second, by all replicas.", prom(own(c.SPANS_RECEIVED)),
            unit="short", width=3, links=[doc.OPERATIONS],
        ),
        stat(
            "Spans lost", "Spans that were not usable or not taken, in this time range.",
            prom(lost(q.RANGE)), unit="short", decimals=0, limits=t.LOST, width=3,
            links=[doc.SPANS_DROPPED],
        ),
        stat(
            "Requests refused", "Requests that were not accepted, in this time range: see their codes below.",
            prom(refused()), unit="short", decimals=0, limits=t.LOST, width=3, links=[doc.SPANS_REFUSED],
        ),
        stat(
            "Exporters that answer", "Replicas that Prometheus could scrape, of those that it knows.",
            prom(foreign(f"sum ({{0}}{{{EXPORTERS}}}) / count ({{0}}{{{EXPORTERS}}})", "up")),
            unit="percentunit", limits=t.UP, width=3, links=[doc.EXPORTER_DOWN], empty="None is known",
        ),
        stat(
            "Pending spans", "Spans of traces that have not settled, of what fits in memory, in the fullest replica.",
            prom(pending), unit="percentunit", limits=t.CAPACITY, width=3, links=[doc.PENDING_SPANS],
        ),
        stat(
            "Series in use", "Of what is allowed, in the fullest replica. Beyond it, new series are folded into one.",
            prom(series), unit="percentunit", limits=t.CAPACITY, width=3, links=[doc.SERIES],
        ),
        stat(
            "Configuration", "Whether the last reading of the configuration succeeded.",
            prom(promql.value(c.CONFIG_RELOAD_SUCCESSFUL, function="min")),
            unit="bool_on_off", width=3, links=[doc.RELOAD],
            limits=t.CONFIGURATION,
            mappings=[{"type": "value", "options": {"0": {"text": "failed"}, "1": {"text": "read"}}}],
        ),
        stat(
            "Configuration read", "When the configuration was last read successfully.",
            prom(promql.value(c.CONFIG_RELOAD_TIME) * 1000),
            unit="dateTimeFromNow", width=3, links=[doc.CONFIGURATION],
        ),
    ]


def received() -> list[Panel]:
    return [
        timeseries(
            "Spans by what became of them", f"{PER_MINUTE} They add up to those received.",
            prom(own(c.SPANS, [c.SPAN_RESULT]) * 60, "{{result}}"),
            unit="short", stack=True, width=8, links=[doc.TELEMETRY_LOST],
        ),
        timeseries(
            "Why spans were not recorded", f"{PER_MINUTE} Duplicates and spans of other kinds are normal.",
            prom(own(c.SPANS, [c.SPAN_RESULT, c.REASON], {c.SPAN_RESULT: Not("recorded")}) * 60,
                 "{{result}}: {{reason}}"),
            unit="short", stack=True, width=8, links=[doc.TELEMETRY_LOST],
        ),
        timeseries(
            "Requests", f"{PER_MINUTE} 429 and RESOURCE_EXHAUSTED ask the sender to wait; other codes are faults.",
            prom(own(c.REQUESTS, [c.TRANSPORT, c.SIGNAL, c.CODE]) * 60, "{{transport}} {{signal}} {{code}}"),
            unit="short", width=8, links=[doc.SPANS_REFUSED],
        ),
        timeseries(
            "Dialects", f"GenAI spans by vocabulary. {PER_MINUTE}",
            prom(own(c.DIALECT_SPANS, [c.DIALECT]) * 60, "{{dialect}}"),
            unit="short", stack=True, width=8, links=[doc.OPERATIONS],
        ),
        timeseries(
            "Log records", f"{PER_MINUTE} Evaluations and feedback arrive as log records.",
            prom(own(c.LOG_RECORDS, [c.LOG_RESULT, c.REASON]) * 60, "{{result}} {{reason}}"),
            unit="short", stack=True, width=8, links=[doc.TELEMETRY_LOST],
        ),
        timeseries(
            "OTLP metric points", f"{PER_MINUTE} Accepted, and not merged with what is derived from spans.",
            prom(own(c.METRIC_POINTS) * 60, "points"), unit="short", legend=False, width=8, links=[doc.OPERATIONS],
        ),
    ]


def understood() -> list[Panel]:
    return [
        timeseries(
            "Values left out", f"{PER_MINUTE} Attributes that were not usable, by reason.",
            prom(own(c.INVALID_ATTRIBUTES, [c.REASON]) * 60, "{{reason}}"),
            unit="short", width=6, links=[doc.OPERATIONS], empty="Every value was usable",
        ),
        timeseries(
            "One call or two?", f"{PER_MINUTE} Spans of which nothing says whether they describe one call or two.",
            prom(own(c.AMBIGUOUS_CALLS, [c.REASON]) * 60, "{{reason}}"),
            unit="short", width=6, links=[doc.OPERATIONS], empty="Every span was clear",
        ),
        timeseries(
            "Calls without token usage",
            f"{PER_MINUTE} Successful calls that reported no tokens: their cost is unknown.",
            prom(own(c.CALLS_WITHOUT_USAGE) * 60, "calls"),
            unit="short", legend=False, width=6, links=[doc.WITHOUT_USAGE],
        ),
        timeseries(
            "Traces without a version", f"{PER_MINUTE} By the version that is missing (R103).",
            prom(own(c.TRACES_WITHOUT_VERSION, [c.MISSING]) * 60, "{{missing}}"),
            unit="short", width=6, links=[doc.WITHOUT_VERSION],
        ),
    ]


def bounded() -> list[Panel]:
    replica = "{{instance}}"
    return [
        timeseries(
            "Traces and spans in assembly", "What waits for the rest of its trace, and the limit.",
            prom(own(c.PENDING_SPANS), "spans"), prom(own(c.PENDING_TRACES), "traces"),
            prom(own(c.PENDING_SPANS_LIMIT), "limit of spans"),
            unit="short", width=8, log=True, links=[doc.PENDING_SPANS],
        ),
        timeseries(
            "Settle lag", "How late the last trace settled, and how long the page took to render.",
            prom(own(c.SETTLE_LAG), "settle lag"), prom(own(c.RENDER_SECONDS), "rendering"),
            unit="s", width=8, links=[doc.SETTLE_LAG],
        ),
        timeseries(
            "Series on the page", "Of the fullest replica, and the limit.",
            prom(own(c.ACTIVE_SERIES), "series"), prom(own(c.SERIES_LIMIT), "limit"),
            unit="short", width=8, links=[doc.SERIES],
        ),
        timeseries(
            "Label values replaced", f"{PER_MINUTE} Recordings in which a value was replaced at its label's limit.",
            prom(own(c.LABEL_OVERFLOW, [c.LABEL]) * 60, "{{label}}"),
            unit="short", width=8, links=[doc.LABEL_OVERFLOW], empty="No label is at its limit",
        ),
        timeseries(
            "Series folded", f"{PER_MINUTE} Recordings that went to the overflow series of a metric.",
            prom(own(c.SERIES_OVERFLOW, [c.METRIC]) * 60, "{{metric}}"),
            unit="short", width=8, links=[doc.SERIES_OVERFLOW], empty="No limit on series was reached",
        ),
        timeseries(
            "Series that expired", f"{PER_MINUTE} Nothing was recorded in them for long.",
            prom(own(c.SERIES_EXPIRED) * 60, "series"), unit="short", legend=False, width=8, links=[doc.OPERATIONS],
        ),
        timeseries(
            "Memory of the exporter", "Resident, by replica.",
            prom(foreign("{0} and on (job, instance) genai_exporter_build_info", "process_resident_memory_bytes"),
                 replica),
            unit="bytes", width=8, links=[doc.OPERATIONS],
        ),
        timeseries(
            "CPU of the exporter", "Cores used, by replica.",
            prom(foreign(
                "rate({0}[$__rate_interval]) and on (job, instance) genai_exporter_build_info",
                "process_cpu_seconds_total"), replica),
            unit="short", width=8, links=[doc.OPERATIONS],
        ),
        table(
            "Replicas", "The version of each replica that is scraped.",
            prom(promql.select(c.BUILD_INFO), table=True),
            columns=[Column("instance", "Replica"), Column("job", "Job"), Column("version", "Version")],
            width=8, links=[doc.EXPORTER_DOWN], empty="No exporter is scraped",
        ),
    ]


def sinks() -> list[Panel]:
    by = [c.SINK]
    return [
        timeseries(
            "Delivered to sinks", f"{PER_MINUTE} Spans passed on and rows written, by what became of them.",
            prom(own(c.SINK_ITEMS, [c.SINK, c.SINK_RESULT]) * 60, "{{sink}}: {{result}}"),
            unit="short", width=8, links=[doc.SINK_LOSING], empty=NO_SINK,
        ),
        timeseries(
            "Sink queues", "What waits, of what may wait, in the fullest replica: by number, and by bytes where "
            "those are bounded as well.",
            prom(own(c.SINK_QUEUE_ITEMS, by) / own(c.SINK_QUEUE_LIMIT_ITEMS, by), "{{sink}}: number"),
            prom(own(c.SINK_QUEUE_BYTES, by) / own(c.SINK_QUEUE_LIMIT_BYTES, by), "{{sink}}: bytes"),
            unit="percentunit", limits=t.CAPACITY, most=1, width=8, links=[doc.SINK_QUEUE], empty=NO_SINK,
        ),
        timeseries(
            "Sinks that answer", "0 while deliveries to a sink fail. Retries per minute beside it.",
            prom(promql.value(c.SINK_UP, by, function="min"), "{{sink}}: up"),
            prom(own(c.SINK_RETRIES, by) * 60, "{{sink}}: retries"),
            unit="short", width=8, links=[doc.SINKS], empty=NO_SINK,
        ),
    ]


def _mentioned(panels: Iterable[Panel]) -> set[str]:
    return {name for panel in panels for query in panel.targets if isinstance(query.expr, Expr)
            for name in query.expr.metrics}


def rest(shown: Iterable[Panel]) -> list[Panel]:
    """A panel for each metric of the service that no panel above shows, so that a new one is never forgotten."""
    mentioned = _mentioned(shown)
    missing = [m for m in c.ALL if m.audience == "internal" and not mentioned.intersection(m.series)]
    width = {1: 24, 2: 12}.get(len(missing), 8)
    panels = [_panel_of(metric, width) for metric in missing]
    if gap := -len(panels) % (24 // width):
        panels[-1].gridPos.w += gap * width
    return panels


def _panel_of(metric: Metric, width: int) -> Panel:
    title = metric.name.removeprefix("genai_exporter_").removesuffix("_total").replace("_", " ").capitalize()
    legend = " ".join(f"{{{{{label.name}}}}}" for label in metric.labels) or "{{__name__}}"
    unit = {"seconds": "s", "bytes": "bytes"}.get(metric.unit, "short")
    if metric.kind == "histogram":
        queries = [prom(promql.quantile(x, metric, q.WINDOW, metric.labels), f"{legend} p{x * 100:.0f}")
                   for x in (0.5, 0.99)]
    elif metric.kind == "counter":
        queries = [prom(own(metric, metric.labels) * 60, legend)]
    else:
        queries = [prom(own(metric, metric.labels), legend)]
    about = f"{metric.help} {PER_MINUTE if metric.kind == 'counter' else ''}".strip()
    return timeseries(title, about, *queries, unit=unit, width=width, links=[doc.METRICS])


def rows() -> list[Row]:
    made = [
        Row("Is the data complete?", now()), Row("Received", received()), Row("Understood", understood()),
        Row("Bounded", bounded()),
        Row("Sinks", sinks()), Row("Prometheus, Alertmanager, Tempo", health_stack.servers()),
        Row("Postgres and backups", health_stack.postgres()),
    ]
    left = rest(panel for row in made for panel in row.panels)
    return [*made, Row("Further figures of the exporter", left)] if left else made


BOARD = Board(
    uid="genai-health",
    title="GenAI / Exporter and stack health",
    about="Is what the other boards show complete, and does the stack behind them work?",
    scope=("service",),
    rows=rows(),
)
