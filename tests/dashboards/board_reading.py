"""Reads built boards: their panels, their queries, and the metrics that those name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Board = Mapping[str, Any]
_IDENTIFIER = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_WORDS = frozenset(
    (
        *("and", "avg", "avg_over_time", "bool", "by", "clamp_min", "count", "day_of_month", "days_in_month"),
        *("group_left", "group_right", "histogram_quantile", "hour", "ignoring", "increase", "le", "max", "min"),
        *("minute", "offset", "on", "or", "rate", "scalar", "stddev_over_time", "sum", "time", "topk"),
        *("unless", "without"),
    )
)


class Asked(NamedTuple):
    """One query and where it stands."""

    board: str
    panel: str
    text: str

    def __str__(self) -> str:
        return f"{self.board} / {self.panel}: {self.text}"


def panels(board: Board) -> list[Mapping[str, Any]]:
    """The panels that show data."""
    return [panel for panel in board["panels"] if panel["type"] not in ("row", "text")]


def promql(board: Board) -> Iterator[Asked]:
    """The PromQL of panels and annotations."""
    for panel in panels(board):
        for target in panel["targets"]:
            if "expr" in target:
                yield Asked(board["uid"], panel["title"], target["expr"])
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation:
            yield Asked(board["uid"], f"annotation {annotation['name']}", annotation["expr"])


def sql(board: Board) -> Iterator[Asked]:
    for panel in panels(board):
        for target in panel["targets"]:
            if "rawSql" in target:
                yield Asked(board["uid"], panel["title"], target["rawSql"])


def traceql(board: Board) -> Iterator[Asked]:
    for panel in panels(board):
        for target in panel["targets"]:
            if "query" in target:
                yield Asked(board["uid"], panel["title"], target["query"])


def series_in(expression: str) -> set[str]:
    """The names of series in a PromQL expression."""
    without_labels = re.sub(r"\{[^{}]*\}", "", re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression))
    without_clauses = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^()]*\)", " ", without_labels)
    without_windows = re.sub(r"\[[^\]]*\]|\$\w+|\b\d\w*", " ", without_clauses)
    return {name for name in _IDENTIFIER.findall(without_windows) if name not in _WORDS}


def labels_in(expression: str) -> set[str]:
    """The names of labels that a PromQL expression matches or groups by."""
    quoted = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    matched = {name for group in re.findall(r"\{([^{}]*)\}", quoted) for name in re.findall(r"(\w+)\s*(?:=|!)", group)}
    clauses = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^()]*)\)", quoted)
    return matched | {name.strip() for clause in clauses for name in clause.split(",") if name.strip()}
