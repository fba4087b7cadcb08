"""Rules for every board: names, links, data sources, variables, limits, and which metrics they show."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from board_reading import labels_in, panels, promql, series_in

from genai_dashboards import boards as all_boards
from genai_dashboards import foreign
from genai_dashboards.house.sources import SOURCES
from genai_dashboards.house.variables import SCOPE
from genai_exporter import catalogue, catalogue_ledger
from genai_exporter.catalogue import DEFAULT_DIMENSIONS, Metric

ROOT = Path(__file__).resolve().parents[2]
Boards = dict[str, dict[str, Any]]
UIDS = {
    "genai-overview",
    "genai-latency",
    "genai-cost",
    "genai-quality",
    "genai-prompts",
    "genai-rag-agents",
    "genai-sessions",
    "genai-traces",
    "genai-health",
}
METRICS: dict[str, Metric] = {
    series: metric for metric in (*catalogue.ALL, *catalogue_ledger.LEDGER) for series in metric.series
}


def test_uids_are_those_that_others_link_to(boards: Boards) -> None:
    assert boards.keys() == UIDS
    assert len({board["title"] for board in boards.values()}) == len(boards)


def test_panel_ids_and_titles_are_unique(boards: Boards) -> None:
    for uid, board in boards.items():
        ids = Counter(panel["id"] for panel in board["panels"])
        assert max(ids.values()) == 1, uid
        titles = Counter(panel["title"] for panel in panels(board))
        assert max(titles.values()) == 1, uid


def test_panels_fill_the_grid_without_overlap(boards: Boards) -> None:
    for uid, board in boards.items():
        cells: Counter[tuple[int, int]] = Counter()
        for panel in board["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
            cells.update(
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            )
        assert max(cells.values()) == 1, uid
        height = max(y for _, y in cells) + 1
        assert len(cells) == 24 * height, f"{uid} has holes"


def test_every_panel_says_what_it_shows(boards: Boards) -> None:
    for uid, board in boards.items():
        for panel in panels(board):
            where = f"{uid}: {panel['title']}"
            assert len(panel["description"]) >= 10, where
            assert panel["fieldConfig"]["defaults"]["noValue"], where
            assert panel["links"], where
            if panel["type"] not in ("table", "traces", "nodeGraph", "state-timeline"):
                assert panel["fieldConfig"]["defaults"]["unit"], where


def test_data_sources_are_chosen_by_variables(boards: Boards) -> None:
    known = {source.uid for source in SOURCES}
    for board in boards.values():
        offered = {f"${{{v['name']}}}" for v in board["templating"]["list"] if v["type"] == "datasource"}
        used = {panel["datasource"]["uid"] for panel in panels(board)}
        assert used <= offered <= known
        for panel in panels(board):
            assert {target["datasource"]["uid"] for target in panel["targets"]} == {panel["datasource"]["uid"]}


def test_variables_allow_several_values_and_all(boards: Boards) -> None:
    for board in boards.values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                assert variable["multi"]
                assert variable["includeAll"]
                assert variable["allValue"] == ".*"
                assert variable["definition"] == variable["query"]["query"]
                assert SCOPE[variable["name"]].name in variable["definition"]


def test_every_variable_of_a_query_exists(boards: Boards) -> None:
    """Grafana leaves an unknown variable as it is written, which matches nothing."""
    built_in = {"__rate_interval", "__range", "__timeFilter", "__timeFrom", "__timeTo"}
    for board in boards.values():
        offered = {variable["name"] for variable in board["templating"]["list"]} | built_in
        targets = [target for panel in panels(board) for target in panel["targets"]]
        for asked in (*targets, *board["annotations"]["list"]):
            text = " ".join(str(asked.get(key, "")) for key in ("expr", "query", "rawSql", "serviceMapQuery"))
            assert set(re.findall(r"\$\{?(\w+)", text)) <= offered, f"{board['uid']}: {text}"


def test_every_query_is_narrowed_by_every_variable_that_it_can(boards: Boards) -> None:
    """A panel that ignores a variable shows the wrong numbers under a right headline."""
    for board in boards.values():
        if board["uid"] == "genai-health":
            continue
        offered = {v["name"] for v in board["templating"]["list"] if v["type"] == "query"}
        for asked in promql(board):
            metrics = {METRICS[name] for name in series_in(asked.text) if name in METRICS}
            for metric in metrics:
                if metric.name.startswith("genai_exporter_"):
                    continue
                for name, label in SCOPE.items():
                    if name in offered and label in metric.labels:
                        assert f'{label.name}=~"${name}"' in asked.text, asked


def test_every_metric_is_known(boards: Boards) -> None:
    for board in boards.values():
        for asked in promql(board):
            names = series_in(asked.text)
            assert names - METRICS.keys() - foreign.KNOWN == set(), asked


def test_series_are_read_from_expressions() -> None:
    expression = (
        'sum by (a) (rate(one_total{b="two_total"}[5m])) / on (c) clamp_min(three{d!=""} offset 1d, 0) >= bool 1e-9'
    )
    assert series_in(expression) == {"one_total", "three"}
    assert labels_in(expression) == {"a", "b", "c", "d"}


def test_boards_use_only_default_dimensions(boards: Boards) -> None:
    """Labels that a configuration must ask for first would leave panels empty."""
    for board in boards.values():
        for asked in promql(board):
            metrics = {METRICS[name] for name in series_in(asked.text) if name in METRICS}
            if len(metrics) != 1:
                continue
            (metric,) = metrics
            allowed = set(metric.chosen([label.name for label in metric.labels])) | {"le", "instance", "job"}
            assert labels_in(asked.text) <= allowed, asked
    assert {label.name for label in SCOPE.values()} <= set(DEFAULT_DIMENSIONS)


def test_every_metric_of_the_catalogue_is_on_a_panel(boards: Boards) -> None:
    shown = {name for board in boards.values() for asked in promql(board) for name in series_in(asked.text)}
    missing = [m.name for m in (*catalogue.ALL, *catalogue_ledger.LEDGER) if not shown.intersection(m.series)]
    assert missing == []


def test_thresholds_of_the_requirements_are_there(boards: Boards) -> None:
    """Panel by panel: the values at which the requirements change colour."""
    wanted = {
        ("genai-overview", "Error rate"): [0.001, 0.05],  # R22, R28
        ("genai-overview", "P95 latency"): [3, 30],  # R12, R26
        ("genai-overview", "P99 time to first token"): [5, 60],  # R25, R58
        ("genai-overview", "Safety failures"): [0.5],  # R41: from the first
        ("genai-latency", "Time to first token"): [0.5, 5, 60],  # R11, R25, R58
        ("genai-latency", "Time per output token"): [0.02],  # R13
        ("genai-latency", "Retries per call"): [0.01, 0.1],  # R23
        ("genai-latency", "Rate limit hits per call"): [0.0001, 0.01],  # R24
        ("genai-cost", "Mean cost of a call"): [0.01, 0.1],  # R16, R76
        ("genai-cost", "Cost of a call against its day, by flow"): [1.5, 2],  # R32
        ("genai-cost", "Response cache hits"): [0.2, 0.3],  # R53, R34
        ("genai-cost", "Cost of the last day against the day before"): [2, 3],  # R73
        ("genai-cost", "Budget used"): [0.9, 1],  # R71, R72
        ("genai-cost", "Provider quota in use"): [0.8, 0.95],  # R49
        ("genai-quality", "Groundedness"): [0.8, 0.9],  # R40, R19
        ("genai-quality", "Hallucination rate"): [0.05, 0.1],  # R20
        ("genai-quality", "Heuristic pass rate"): [0.9, 0.95],  # R38
        ("genai-quality", "Positive feedback"): [0.7, 0.8],  # R21
        ("genai-quality", "Negative feedback by flow"): [0.1, 0.15],  # R35
        ("genai-quality", "Cut off"): [0.1, 0.2],  # R42
        ("genai-quality", "Regenerations per request"): [0.05, 0.1],  # R36
        ("genai-quality", "Scores against the last seven days"): [0.75, 0.9],  # R60, R62
    }
    for (uid, title), values in wanted.items():
        (panel,) = [panel for panel in panels(boards[uid]) if panel["title"] == title]
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None
        if panel["type"] in ("stat", "bargauge"):
            assert steps[1]["value"] == 0, "grey when there is no number"
            steps = steps[1:]
        assert [step["value"] for step in steps[1:]] == values, title
        assert re.search(r"R\d+", panel["description"]), title


def test_limits_name_their_requirement_in_the_description(boards: Boards) -> None:
    for uid, board in boards.items():
        for panel in panels(board):
            without = 2 if panel["type"] in ("stat", "bargauge") else 1
            if len(panel["fieldConfig"]["defaults"]["thresholds"]["steps"]) > without:
                assert re.search(r"(Yellow|Red|Green|Line)", panel["description"]), f"{uid}: {panel['title']}"


def test_overview_has_the_four_rows_of_the_guide(boards: Boards) -> None:
    """R83-R86."""
    overview = boards["genai-overview"]
    rows = [panel["title"] for panel in overview["panels"] if panel["type"] == "row"]
    assert rows == ["Status", "Quality", "Cost and volume", "Services", "Deployments"]
    first = [panel for panel in overview["panels"] if panel["type"] == "stat"]
    assert {panel["gridPos"]["y"] for panel in first} == {1}, "status is what one sees first"


def test_exemplars_are_asked_for_where_histograms_are_drawn(boards: Boards) -> None:
    """R9: from a metric to a trace in one click."""
    for uid in ("genai-latency", "genai-cost", "genai-rag-agents"):
        asked = [t["exemplar"] for p in panels(boards[uid]) for t in p["targets"] if "exemplar" in t]
        assert any(asked), uid
    for board in boards.values():
        for panel in panels(board):
            if panel["type"] == "heatmap":
                assert [t["exemplar"] for t in panel["targets"]] == [True]
                assert [t["format"] for t in panel["targets"]] == ["heatmap"]


def test_deployments_are_drawn_across_every_board(boards: Boards) -> None:
    """R86: the first thing to look at when something began at a certain time."""
    for board in boards.values():
        (annotation,) = [a for a in board["annotations"]["list"] if a["name"] == "Deployments"]
        assert annotation["enable"]
        assert annotation["useValueForTime"]
        assert catalogue.DEPLOYMENT_FIRST_SEEN.name in annotation["expr"]


def test_links_lead_to_boards_and_pages_that_exist(boards: Boards) -> None:
    pages = set(re.findall(r"/blob/main/(docs/[\w.-]+)", str(boards)))
    assert pages
    assert [page for page in sorted(pages) if not (ROOT / page).exists()] == []
    linked = set(re.findall(r"/d/([\w-]+)\?", str(boards)))
    assert linked <= boards.keys()


def test_runbooks_that_are_linked_exist(boards: Boards) -> None:
    folder = ROOT / "alerts" / "runbooks"
    if not any(folder.glob("*.md")):
        pytest.skip("there are no runbooks yet")
    linked = set(re.findall(r"alerts/runbooks/(\w+)\.md", str(boards)))
    assert sorted(name for name in linked if not (folder / f"{name}.md").exists()) == []


def test_every_board_is_documented(boards: Boards) -> None:
    text = (ROOT / "docs" / "dashboards.md").read_text()
    for uid, board in boards.items():
        assert f'### {board["title"]}\n\n<a id="{uid}"></a>' in text, uid


def test_example_of_the_documentation_works() -> None:
    text = (ROOT / "docs" / "dashboards.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(example, scope)
    made = scope["JSON"]
    assert made["uid"] == "acme-indexing"
    (panel,) = panels(made)
    assert 'gen_ai_operation_name="embeddings"' in panel["targets"][0]["expr"]


def test_boards_are_listed_once() -> None:
    assert len({board.uid for board in all_boards.BOARDS}) == len(all_boards.BOARDS)
