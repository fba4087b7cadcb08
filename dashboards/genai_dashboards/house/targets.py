"""Queries of panels: PromQL, SQL and TraceQL, written without the keys that grafanalib adds for older Grafanas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from grafanalib.core import SqlTarget, Target

from genai_exporter.promql import Expr

from .sources import POSTGRES, PROMETHEUS, TEMPO, Source

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Prom(Target):  # type: ignore[misc]
    """A PromQL query. ``instant`` asks for one moment, otherwise for the whole range; ``exemplars`` asks for them."""

    def __init__(self, expr: Expr, legend: str, *, instant: bool, shape: str, exemplars: bool) -> None:
        super().__init__(expr=expr, legendFormat=legend or "__auto", instant=instant, format=shape)
        self.exemplars = exemplars

    def to_json_data(self) -> dict[str, Any]:
        return {
            "datasource": PROMETHEUS.reference,
            "editorMode": "code",
            "exemplar": self.exemplars,
            "expr": str(self.expr),
            "format": self.format,
            "instant": self.instant,
            "legendFormat": self.legendFormat,
            "range": not self.instant,
            "refId": self.refId,
        }


class Sql(SqlTarget):  # type: ignore[misc]
    """A query of the ledger in Postgres."""

    def __init__(self, text: str, *, shape: str) -> None:
        super().__init__(rawSql=text, format=shape)

    def to_json_data(self) -> dict[str, Any]:
        return {
            "datasource": POSTGRES.reference,
            "editorMode": "code",
            "format": self.format,
            "rawQuery": True,
            "rawSql": self.rawSql,
            "refId": self.refId,
        }


class TraceQl(Target):  # type: ignore[misc]
    """A query of Tempo. ``rows`` says whether a row of the answer is a trace or a span (``traces``, ``spans``)."""

    def __init__(self, text: str, *, rows: str, limit: int) -> None:
        super().__init__(expr=text)
        self.rows = rows
        self.limit = limit

    def to_json_data(self) -> dict[str, Any]:
        return {
            "datasource": TEMPO.reference,
            "limit": self.limit,
            "query": self.expr,
            "queryType": "traceql",
            "refId": self.refId,
            "tableType": self.rows,
        }


class ServiceMap(Target):  # type: ignore[misc]
    """The services that Tempo's metrics generator saw, narrowed by a selector of Prometheus."""

    def __init__(self, selector: str) -> None:
        super().__init__(expr=selector)

    def to_json_data(self) -> dict[str, Any]:
        return {
            "datasource": TEMPO.reference,
            "queryType": "serviceMap",
            "refId": self.refId,
            "serviceMapQuery": self.expr,
        }


Query = Prom | Sql | TraceQl | ServiceMap


def prom(expr: Expr, legend: str = "", *, table: bool = False, exemplars: bool = False) -> Prom:
    """A query of Prometheus; ``table`` for tables, which are always of one moment."""
    return Prom(expr, legend, instant=table, shape="table" if table else "time_series", exemplars=exemplars)


def sql(text: str, *, time_series: bool = False) -> Sql:
    """A query of Postgres; a time series needs a column ``time``."""
    return Sql(_tidy(text), shape="time_series" if time_series else "table")


def traceql(text: str, *, rows: str = "traces", limit: int = 20) -> TraceQl:
    """A query of Tempo."""
    return TraceQl(_tidy(text), rows=rows, limit=limit)


def service_map(selector: str) -> ServiceMap:
    """The graph of services."""
    return ServiceMap(selector)


def each(queries: Sequence[Query]) -> list[Query]:
    """The queries of one panel, lettered in order unless they have a letter."""
    for letter, query in zip(LETTERS, queries, strict=False):
        query.refId = query.refId or letter
    return list(queries)


def source_of(queries: Iterable[Query]) -> Source:
    """Where all the queries go. ValueError when they disagree."""
    kinds = {PROMETHEUS if isinstance(q, Prom) else POSTGRES if isinstance(q, Sql) else TEMPO for q in queries}
    if len(kinds) != 1:
        raise ValueError("a panel asks one data source")
    return kinds.pop()


def _tidy(text: str) -> str:
    """A query that was indented with the code around it, without that indentation."""
    lines = text.strip("\n").split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:].rstrip() for line in lines).strip()
