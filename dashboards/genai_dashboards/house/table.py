"""Tables, with what grafanalib's do not have: cell types of today's Grafana, a footer, links and limits by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack

from grafanalib.core import Panel

from .limits import Limits
from .links import Link
from .panels import Common, Plain, common
from .targets import Prom, Query

Cell = Literal["auto", "color-text", "color-background", "gauge"]


@dataclass(frozen=True)
class Column:
    """How one column looks. ``name`` is the label or value as the query names it, ``title`` what the reader sees."""

    name: str
    title: str = ""
    unit: str = ""
    width: int = 0
    cell: Cell = "auto"
    limits: Limits | None = None
    link: Link | None = None
    more_links: tuple[Link, ...] = ()

    @property
    def override(self) -> dict[str, Any] | None:
        """Grafana's way to say so; None when there is nothing to say."""
        values: dict[str, Any] = {
            "unit": self.unit,
            "custom.width": self.width,
            "custom.cellOptions": _CELLS[self.cell] if self.cell != "auto" else None,
            "thresholds": {"mode": "absolute", "steps": self.limits.json} if self.limits else None,
            "color": {"mode": "thresholds"} if self.limits else None,
            "links": [link.json for link in (self.link, *self.more_links) if link],
        }
        properties = [{"id": key, "value": value} for key, value in values.items() if value]
        matcher = {"id": "byName", "options": self.title or self.name}
        return {"matcher": matcher, "properties": properties} if properties else None


EMPTY_CELL: dict[str, Any] = {
    "matcher": {"id": "byRegexp", "options": ".*"},
    "properties": [{"id": "noValue", "value": "–"}],
}
"""Otherwise every empty cell has the words that are meant for an empty table."""

_CELLS: Mapping[Cell, dict[str, str]] = {
    "color-text": {"type": "color-text"},
    "color-background": {"type": "color-background", "mode": "basic"},
    "gauge": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
}


def table(
    title: str,
    about: str,
    *queries: Query,
    columns: Sequence[Column] = (),
    sort: str = "",
    ascending: bool = False,
    **options: Unpack[Common],
) -> Panel:
    """Rows of labels and values. Several instant queries of Prometheus are joined by their labels; of their columns
    only those in ``columns`` are shown, in that order. SQL and TraceQL bring their own columns."""
    arguments = common(title, about, queries, options, (24, 9))
    overrides = [column.override for column in columns if column.override]
    arguments["extraJson"]["fieldConfig"]["overrides"] += [EMPTY_CELL, *overrides]
    if any(isinstance(query, Prom) for query in queries):
        arguments["transformations"] += _joined(len(queries), columns)
    by = next((column.title or column.name for column in columns if column.name == sort), sort)
    return Plain(
        kind="table",
        custom={
            "align": "auto",
            "cellOptions": {"type": "auto"},
            "filterable": True,
            "inspect": False,
            "minWidth": 80,
        },
        options={
            "cellHeight": "sm",
            "footer": {"countRows": False, "enablePagination": False, "fields": "", "reducer": ["sum"], "show": False},
            "showHeader": True,
            "sortBy": [{"desc": not ascending, "displayName": by}] if by else [],
        },
        **arguments,
    )


def _joined(queries: int, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """One table out of the answers: joined by labels, then columns chosen, ordered and named."""
    # With one query Grafana names the value "Value", with several "Value #A" and so on.
    names = [column.name if queries > 1 or not column.name.startswith("Value #") else "Value" for column in columns]
    steps: list[dict[str, Any]] = []
    if queries > 1:
        steps.append({"id": "merge", "options": {}})
    steps.append({"id": "filterFieldsByName", "options": {"include": {"names": names}}})
    organize = {
        "excludeByName": {},
        "indexByName": {name: index for index, name in enumerate(names)},
        "renameByName": {name: column.title for name, column in zip(names, columns, strict=True) if column.title},
    }
    return [*steps, {"id": "organize", "options": organize}]
