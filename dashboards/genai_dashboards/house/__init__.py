"""A small library over grafanalib, and the only part of the project that knows it.

grafanalib 0.7.1 writes dashboards of the schema of 2017 and lacks panels and queries that today's Grafana has. What is
missing is added here by subclasses, and ``finalise`` turns what grafanalib writes into classic JSON that Grafana 10 to
13 load as it is, or refuses it with every rule of the house that it breaks.
"""

from grafanalib.core import Panel

from .board import Board, Row
from .finalise import HouseError, finalise
from .limits import Limits, above, below
from .links import Link, evidence_link, explore_trace, runbook, to_board
from .panels import bar_gauge, heatmap, node_graph, stat, state_timeline, text, timeseries, traces
from .sources import POSTGRES, PROMETHEUS, TEMPO, Source
from .table import Column, table
from .targets import Query, each, prom, service_map, sql, traceql
from .variables import textbox

__all__ = [
    "POSTGRES",
    "PROMETHEUS",
    "TEMPO",
    "Board",
    "Column",
    "HouseError",
    "Limits",
    "Link",
    "Panel",
    "Query",
    "Row",
    "Source",
    "above",
    "bar_gauge",
    "below",
    "each",
    "evidence_link",
    "explore_trace",
    "finalise",
    "heatmap",
    "node_graph",
    "prom",
    "runbook",
    "service_map",
    "sql",
    "stat",
    "state_timeline",
    "table",
    "text",
    "textbox",
    "timeseries",
    "to_board",
    "traceql",
    "traces",
]
