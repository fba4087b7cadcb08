"""Panels: what every panel of the house must say, then each kind.

Every panel has a title, words that say what it shows and what to do, a unit, limits where a requirement sets one, a
text for when there is nothing to show, and a link to a runbook or to a page of the documentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from grafanalib.core import GridPos, Panel, Stat, StateTimeline, Text, TimeSeries

from .limits import GREY, NONE, Limits
from .links import Link
from .targets import Prom, Query, each, source_of

NOTHING = "No data in this time range"
UNLABELLED = {"id": "renameByRegex", "options": {"regex": "^Value$", "renamePattern": "(not reported)"}}
"""Grafana calls a series "Value" when the label in its legend is empty."""

STATUS_WINDOW = "5m"
"""The least window of single numbers: that of the alerts."""


class Common(TypedDict, total=False):
    """What every kind of panel takes besides its title, its words and its queries.

    ``unit`` is Grafana's name of it. ``links`` are the panel's own, ``follow`` those of a value in it. ``width`` is in
    24ths of the board, ``height`` in rows of 30 pixels. ``since`` overrides the time range, as in ``7d``, and ``every``
    the least step between points.
    """

    unit: str
    limits: Limits
    links: Sequence[Link]
    follow: Sequence[Link]
    width: int
    height: int
    empty: str
    since: str
    shift: str
    every: str
    least: float
    most: float
    decimals: int
    overrides: Sequence[dict[str, Any]]
    transformations: Sequence[dict[str, Any]]
    mappings: Sequence[dict[str, Any]]


class Plain(Panel):  # type: ignore[misc]
    """A kind of panel that grafanalib does not have, or has only as it was years ago."""

    def __init__(
        self, kind: str, options: dict[str, Any], custom: dict[str, Any] | None = None, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.kind = kind
        self.options = options
        self.custom = custom or {}

    def to_json_data(self) -> dict[str, Any]:
        defaults = {"custom": self.custom, "color": {"mode": "thresholds"}}
        json: dict[str, Any] = self.panel_json(
            {"type": self.kind, "options": self.options, "fieldConfig": {"defaults": defaults}}
        )
        return json


def common(title: str, about: str, queries: Sequence[Query], options: Common, size: tuple[int, int]) -> dict[str, Any]:
    """The arguments that grafanalib's panels share. ``size`` is the width and height unless ``options`` say other."""
    limits = options.get("limits", NONE)
    words = about if limits is NONE else f"{about}\n\n{limits.because}"
    defaults: dict[str, Any] = {"noValue": options.get("empty", NOTHING), "mappings": list(options.get("mappings", ()))}
    defaults |= {"unit": options["unit"]} if "unit" in options else {}
    defaults |= {"links": [link.json for link in options["follow"]]} if "follow" in options else {}
    for ours, theirs in (("least", "min"), ("most", "max"), ("decimals", "decimals")):
        if ours in options:
            defaults[theirs] = options[ours]  # type: ignore[literal-required]
    return {
        "title": title,
        "description": words,
        "dataSource": source_of(queries).reference,
        "targets": each(queries),
        "gridPos": GridPos(options.get("height", size[1]), options.get("width", size[0]), 0, 0),
        "links": [link.json for link in options.get("links", ())],
        "thresholds": limits.json,
        "maxDataPoints": None,
        "interval": options.get("every"),
        "timeFrom": options.get("since"),
        "timeShift": options.get("shift"),
        "transformations": list(options.get("transformations", ())),
        "extraJson": {"fieldConfig": {"defaults": defaults, "overrides": list(options.get("overrides", ()))}},
    }


def numbers(title: str, about: str, queries: Sequence[Query], options: Common, size: tuple[int, int]) -> dict[str, Any]:
    """The arguments of panels that show numbers of now. They ask for one moment, not for a range, whose last step may
    be minutes old; and they say so when there is no number, where a share of nothing is NaN."""
    for query in queries:
        if isinstance(query, Prom):
            query.instant = True
    empty = options.get("empty", NOTHING)
    options = Common(every=STATUS_WINDOW) | options
    nothing = {"type": "special", "options": {"match": "null+nan", "result": {"color": GREY, "text": empty}}}
    options["mappings"] = [*options.get("mappings", ()), nothing]
    arguments = common(title, about, queries, options, size)
    arguments["thresholds"] = options.get("limits", NONE).json_of_a_number
    return arguments


def timeseries(
    title: str,
    about: str,
    *queries: Query,
    stack: bool = False,
    bars: bool = False,
    fill: int = 0,
    log: bool = False,
    legend: bool = True,
    **options: Unpack[Common],
) -> Panel:
    """Lines over time; limits are drawn as dashed lines."""
    options["transformations"] = [*options.get("transformations", ()), UNLABELLED]
    arguments = common(title, about, queries, options, (12, 9))
    panel = TimeSeries(
        **arguments,
        drawStyle="bars" if bars else "line",
        fillOpacity=70 if bars else (30 if stack else fill),
        legendDisplayMode="table" if legend else "hidden",
        legendPlacement="bottom",
        legendCalcs=["lastNotNull", "mean", "max"] if legend else [],
        lineInterpolation="linear",
        pointSize=4,
        scaleDistributionType="log" if log else "linear",
        showPoints="auto",
        stacking={"mode": "normal", "group": "A"} if stack else {"mode": "none", "group": "A"},
        thresholdsStyleMode="dashed" if options.get("limits", NONE).steps else "off",
        tooltipMode="multi",
        tooltipSort="desc",
        unit=options.get("unit", ""),
    )
    if not log:  # whose axis cannot begin at 0
        panel.extraJson["fieldConfig"]["defaults"].setdefault("min", 0)
    custom: dict[str, Any] = {"insertNulls": False, "spanNulls": 3_600_000}
    if options.get("unit") == "percentunit":
        # Without, a share that is always 0 has an axis up to ten thousand percent.
        steps = options.get("limits", NONE).steps
        custom["axisSoftMax"] = min(steps[-1][0], 1) if steps else 0.01
    panel.extraJson["fieldConfig"]["defaults"]["custom"] = custom
    return panel


def stat(
    title: str,
    about: str,
    *queries: Query,
    background: bool = False,
    names: bool = False,
    **options: Unpack[Common],
) -> Panel:
    """One number, or one per series, in the colour of its limits; ``background`` fills the whole panel with it."""
    arguments = numbers(title, about, queries, options, (6, 4))
    return Stat(
        **arguments,
        colorMode="background" if background else "value",
        color={"mode": "thresholds"},
        format=options.get("unit", ""),
        graphMode="none",
        noValue=options.get("empty", NOTHING),
        reduceCalc="lastNotNull",
        textMode="value_and_name" if names else "auto",
        mappings=arguments["extraJson"]["fieldConfig"]["defaults"]["mappings"],
    )


def bar_gauge(title: str, about: str, *queries: Query, **options: Unpack[Common]) -> Panel:
    """A bar per series, longest first as the query sorts them."""
    return Plain(
        "bargauge",
        {
            "displayMode": "basic",
            "valueMode": "color",
            "namePlacement": "auto",
            "minVizHeight": 16,
            "minVizWidth": 8,
            "maxVizHeight": 300,
            "sizing": "auto",
            "orientation": "horizontal",
            "showUnfilled": True,
            "legend": {"calcs": [], "displayMode": "hidden", "placement": "bottom", "showLegend": False},
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
        **numbers(title, about, queries, Common(least=0, transformations=[UNLABELLED]) | options, (12, 9)),
    )


def heatmap(title: str, about: str, *queries: Query, **options: Unpack[Common]) -> Panel:
    """The buckets of a histogram over time; its query asks for the format ``heatmap``."""
    arguments = common(title, about, queries, options, (12, 9))
    for query in arguments["targets"]:
        query.format = "heatmap"
    return Plain(
        "heatmap",
        custom={"hideFrom": {"legend": False, "tooltip": False, "viz": False}, "scaleDistribution": {"type": "linear"}},
        options={
            "calculate": False,
            "cellGap": 1,
            "cellValues": {"unit": "short"},
            "color": {
                "exponent": 0.5,
                "fill": "dark-orange",
                "mode": "scheme",
                "reverse": False,
                "scale": "exponential",
                "scheme": "Oranges",
                "steps": 64,
            },
            "exemplars": {"color": "rgba(31, 120, 193, 0.4)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": options.get("unit", "short")},
        },
        **arguments,
    )


def state_timeline(title: str, about: str, *queries: Query, **options: Unpack[Common]) -> Panel:
    """A bar per series whose colour says how it was."""
    # By thresholds, Grafana would write "< 1" instead of the words of the mappings.
    return StateTimeline(
        **common(title, about, queries, options, (24, 7)), rowHeight=0.85, fillOpacity=80, colorMode="fixed"
    )


def traces(title: str, about: str, query: Query, **options: Unpack[Common]) -> Panel:
    """The spans of one trace as a waterfall."""
    return Plain("traces", {}, **common(title, about, [query], options, (24, 14)))


def node_graph(title: str, about: str, query: Query, **options: Unpack[Common]) -> Panel:
    """Who calls whom, with rates, times and errors."""
    return Plain(
        "nodeGraph",
        {"nodes": {}, "edges": {}, "zoomMode": "cooperative"},
        **common(title, about, [query], options, (24, 12)),
    )


def text(title: str, markdown: str, width: int = 24, height: int = 4) -> Panel:
    """Words."""
    return Text(
        title=title,
        description="",
        content=markdown,
        gridPos=GridPos(height, width, 0, 0),
        maxDataPoints=None,
    )
