"""The house library: what it refuses, and what it makes of grafanalib's output."""

from __future__ import annotations

import json
from typing import Any

import pytest

from genai_dashboards import queries
from genai_dashboards.house import (
    Board,
    Column,
    HouseError,
    Limits,
    Link,
    Panel,
    Row,
    above,
    bar_gauge,
    below,
    explore_trace,
    finalise,
    prom,
    sql,
    stat,
    table,
    text,
    timeseries,
    to_board,
    traceql,
)
from genai_dashboards.house.board import LayoutError
from genai_dashboards.house.finalise import OBSOLETE_ON_BOARD, panel_id
from genai_exporter import catalogue as c
from genai_exporter.promql import Expr, value

UP = value(c.ACTIVE_SERIES)
DOCS = [Link("Documentation", "https://example.org/docs")]


def panel(**changes: Any) -> Panel:
    arguments: dict[str, Any] = {"unit": "s", "links": DOCS, "width": 24} | changes
    return timeseries(arguments.pop("title", "Latency"), arguments.pop("about", "How long."), prom(UP), **arguments)


def board(*panels: Panel, uid: str = "test-board") -> dict[str, Any]:
    made = Board(uid=uid, title="Test", about="A test.", rows=[Row("Row", panels)])
    return finalise(made.dashboard())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"about": ""}, "has no description"),
        ({"unit": ""}, "has no unit"),
        ({"empty": ""}, "does not say what an empty panel means"),
        ({"links": []}, "has no link"),
        ({"title": ""}, "has no title"),
    ],
)
def test_a_panel_that_breaks_a_rule_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(HouseError, match=complaint):
        board(panel(**changes))


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(HouseError) as caught:
        board(panel(about=""), panel(title="Other", unit=""))
    assert "'Latency' has no description" in str(caught.value)
    assert "'Other' has no unit" in str(caught.value)


def test_two_panels_of_one_title_are_refused() -> None:
    with pytest.raises(HouseError, match="2 panels are called 'Latency'"):
        board(panel(), panel())


def test_a_long_uid_is_refused() -> None:
    with pytest.raises(HouseError, match="at most 40"):
        board(panel(), uid="x" * 41)


def test_a_panel_asks_one_data_source() -> None:
    with pytest.raises(ValueError, match="one data source"):
        timeseries("Mixed", "Both.", prom(UP), sql("SELECT 1"), unit="s", links=DOCS)


def test_keys_of_old_grafanas_and_nulls_are_gone() -> None:
    made = board(panel())
    assert not OBSOLETE_ON_BOARD & made.keys()
    assert made["schemaVersion"] == 41
    assert made["id"] is None
    (drawn,) = [p for p in made["panels"] if p["type"] == "timeseries"]
    assert "maxDataPoints" not in drawn, "grafanalib's default of 100 makes graphs coarse"
    assert drawn["fieldConfig"]["defaults"]["thresholds"]["steps"] == [{"color": "blue", "value": None}]
    without_thresholds = json.dumps(made).replace('"value": null', "").replace('"id": null', "")
    assert "null" not in without_thresholds


def test_queries_have_only_keys_of_today() -> None:
    made = board(panel())
    (drawn,) = [p for p in made["panels"] if p["type"] == "timeseries"]
    (target,) = drawn["targets"]
    assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert not {"target", "metric", "step", "intervalFactor", "query"} & target.keys()
    assert (target["range"], target["instant"], target["refId"]) == (True, False, "A")


def test_panel_ids_do_not_change_when_panels_are_added() -> None:
    before = {p["title"]: p["id"] for p in board(panel())["panels"]}
    after = {p["title"]: p["id"] for p in board(panel(title="New"), panel())["panels"]}
    assert before["Latency"] == after["Latency"] == panel_id("test-board", "Latency")


def test_layout_fills_lines_from_left_to_right() -> None:
    made = board(panel(title="a", width=12), panel(title="b", width=12), panel(title="c"))
    places = {p["title"]: (p["gridPos"]["x"], p["gridPos"]["y"]) for p in made["panels"]}
    assert places == {"Row": (0, 0), "a": (0, 1), "b": (12, 1), "c": (0, 10)}


@pytest.mark.parametrize(
    ("panels", "complaint"),
    [
        ([{"width": 12}], "ends at column 12"),
        ([{"width": 12}, {"title": "b", "width": 13}], "does not fit"),
        ([{"width": 12}, {"title": "b", "width": 12, "height": 4}], "is 4 high"),
    ],
)
def test_lines_with_holes_are_refused(panels: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(LayoutError, match=complaint):
        board(*(panel(**changes) for changes in panels))


def test_limits_rise_and_have_a_reason() -> None:
    with pytest.raises(ValueError, match="must rise"):
        above(2, 1, because="wrong way round")
    with pytest.raises(ValueError, match="reason"):
        above(1, 2, because="")
    with pytest.raises(ValueError, match="needed"):
        below(because="nothing")
    assert below(0.8, 0.9, because="x").json == [
        {"color": "red", "value": None},
        {"color": "yellow", "value": 0.8},
        {"color": "green", "value": 0.9},
    ]
    assert below(yellow=50, because="x").json[0]["color"] == "yellow"


def test_limits_are_explained_in_the_description() -> None:
    drawn = panel(limits=above(1, 2, because="Yellow from 1 s (R99)."))
    assert drawn.description == "How long.\n\nYellow from 1 s (R99)."


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        (above(1, 2, because="x"), "((up) >= bool 1) + ((up) >= bool 2)"),
        (above(red=2, because="x"), "((up) >= bool 2) * 2"),
        (below(1, 2, because="x"), "(up) * 0 + 2 - ((up) >= bool 1) - ((up) >= bool 2)"),
        (below(red=1, because="x"), "(up) * 0 + 2 - ((up) >= bool 1) * 2"),
    ],
)
def test_grades_are_0_1_2(limits: Limits, wanted: str) -> None:
    assert queries.graded(Expr("up"), limits).text == wanted


def test_tables_join_their_queries_and_keep_the_columns_asked_for() -> None:
    made = table(
        "Models",
        "All.",
        prom(UP, table=True),
        prom(UP, table=True),
        columns=[Column("model", "Model"), Column("Value #A", "Calls", unit="short"), Column("Value #B", "Errors")],
        sort="Value #A",
        links=DOCS,
    )
    drawn = next(p for p in board(made)["panels"] if p["type"] == "table")
    assert [step["id"] for step in drawn["transformations"]] == ["merge", "filterFieldsByName", "organize"]
    assert drawn["transformations"][1]["options"]["include"]["names"] == ["model", "Value #A", "Value #B"]
    assert drawn["transformations"][2]["options"]["renameByName"]["Value #A"] == "Calls"
    assert drawn["options"]["sortBy"] == [{"desc": True, "displayName": "Calls"}]
    assert [o["matcher"]["options"] for o in drawn["fieldConfig"]["overrides"]] == [".*", "Calls"]
    assert all(target["instant"] and target["format"] == "table" for target in drawn["targets"])


def test_the_value_of_a_single_query_has_no_letter() -> None:
    made = table("Models", "All.", prom(UP, table=True), columns=[Column("Value #A", "Calls")], links=DOCS)
    drawn = next(p for p in board(made)["panels"] if p["type"] == "table")
    assert drawn["transformations"][0]["options"]["include"]["names"] == ["Value"]


def test_links_keep_the_variables_of_grafana_readable() -> None:
    url = explore_trace().url
    assert url.startswith("/explore?schemaVersion=1")
    assert "${__value.raw}" in url
    assert "${__from}" in url
    assert "${tempo}" in url
    assert " " not in url
    assert '"' not in url
    assert to_board("genai-cost", "Cost", model="${__value.raw}").url.endswith("&var-model=${__value.raw}")


def test_words_and_other_kinds_of_panel_are_accepted() -> None:
    made = board(
        text("Read me", "# Hello"),
        stat("One", "One number.", prom(UP), unit="s", links=DOCS, width=12, height=9),
        bar_gauge("Bars", "Bars.", prom(UP), unit="s", links=DOCS),
        table("Traces", "Of Tempo.", traceql("{ status = error }"), links=DOCS),
    )
    assert [p["type"] for p in made["panels"]] == ["row", "text", "stat", "bargauge", "table"]
    assert made["panels"][-1]["targets"][0]["tableType"] == "traces"


def test_sql_loses_the_indentation_of_the_code_around_it() -> None:
    query = sql("""
        SELECT 1
          FROM x
    """)
    assert query.rawSql == "SELECT 1\n  FROM x"
