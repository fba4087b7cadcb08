"""A board: rows of panels, laid out from left to right, with the variables, links and annotations of all boards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from grafanalib.core import Annotations, Dashboard, DashboardLink, GridPos, Panel, RowPanel, Templating, Time

from . import events
from .links import DOCS
from .sources import SOURCES, Source
from .variables import SCOPE, Variable, variables

COLUMNS = 24
TAG = "genai"
GENERATED = "generated"
SCHEMA_VERSION = 41
SHARED_CROSSHAIR = 1


class LayoutError(ValueError):
    """Panels that do not fit the grid."""


@dataclass(frozen=True)
class Row:
    """A headline and the panels below it, in reading order; a line is full at 24 columns."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Board:
    """A dashboard. ``scope`` lists which of the common variables make sense on it."""

    uid: str
    title: str
    about: str
    rows: Sequence[Row]
    since: str = "now-6h"
    refresh: str = "1m"
    scope: Sequence[str] = tuple(SCOPE)
    extra: Sequence[Variable] = ()
    tags: Sequence[str] = ()
    sources: Sequence[Source] = field(default=SOURCES)

    def dashboard(self) -> Dashboard:
        """As grafanalib writes it; ``finalise`` makes it loadable."""
        return Dashboard(
            title=self.title,
            uid=self.uid,
            description=f"{self.about} Generated from Python: change the code, not this board.",
            editable=True,
            graphTooltip=SHARED_CROSSHAIR,
            schemaVersion=SCHEMA_VERSION,
            tags=[TAG, GENERATED, *self.tags],
            time=Time(self.since, "now"),
            refresh=self.refresh,
            timezone="browser",
            annotations=Annotations([events.BUILT_IN, events.deployments(self.scope), events.alerts()]),
            templating=Templating(variables(self.scope, self.extra, self.sources)),
            links=[
                DashboardLink(
                    title="GenAI dashboards", type="dashboards", tags=[TAG], asDropdown=True, includeVars=True
                ),
                DashboardLink(
                    title="Runbooks",
                    type="link",
                    uri=f"{DOCS}/alerts/runbooks/README.md",
                    icon="doc",
                    keepTime=False,
                    targetBlank=True,
                    tooltip="What to do when an alert fires",
                ),
                DashboardLink(
                    title="About this board",
                    type="link",
                    uri=f"{DOCS}/docs/dashboards.md#{self.uid}",
                    icon="question",
                    keepTime=False,
                    targetBlank=True,
                    tooltip="What it answers, and where its limits come from",
                ),
            ],
            panels=_laid_out(self.rows),
        )


def _laid_out(rows: Sequence[Row]) -> list[Panel]:
    """Panels with their places. Raises ``LayoutError`` for a line that leaves a hole or panels of unlike height."""
    placed: list[Panel] = []
    top = 0
    for row in rows:
        placed.append(RowPanel(title=row.title, gridPos=GridPos(1, COLUMNS, 0, top), maxDataPoints=None))
        top += 1
        left = 0
        line = 0
        for panel in row.panels:
            size: GridPos = panel.gridPos
            if left and size.h != line:
                raise LayoutError(f"{panel.title!r} is {size.h} high, its neighbours in {row.title!r} are {line}")
            if left + size.w > COLUMNS:
                raise LayoutError(f"{panel.title!r} does not fit into its line in {row.title!r}")
            panel.gridPos = GridPos(size.h, size.w, left, top)
            placed.append(panel)
            line, left = size.h, left + size.w
            if left == COLUMNS:
                left, top = 0, top + line
        if left:
            raise LayoutError(f"the last line of {row.title!r} ends at column {left}, not {COLUMNS}")
    return placed
