"""Every PromQL query of every board is executed by a real Prometheus, which scraped a real exporter that real OTLP
traffic came to, and has rows. So are the queries of variables and annotations."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import board_stack
import pytest
from board_reading import Asked, panels, promql, series_in

from e2e import harness
from e2e.harness import Prometheus, wait_until
from genai_dashboards import foreign
from genai_exporter import catalogue as c
from tools import debian

pytestmark = pytest.mark.e2e

CONFIGURATION = """
quotas: [{provider: openai, model: gpt-4o, tokens_per_minute: 2000000}]
"""
TIGHT = ("--max-label-values", "3", "--max-series", "400")
SECONDS_OF_DATA = 25
REPLACED = {
    # Prometheus scrapes every second, and there is no hour of data: the same expressions over shorter windows.
    "$__rate_interval": "15s",
    "$__range": "60s",
    "[1d:5m]": "[60s:5s]",
    "[1d] offset 1d": "[15s] offset 5s",
}
Boards = dict[str, dict[str, Any]]

NO_SUCH_SERVER = "a server that is not part of this stack"
WITHOUT_ROWS = {
    **dict.fromkeys((*foreign.TEMPO, *foreign.ALERTMANAGER, *foreign.DISKS, *foreign.POSTGRES), NO_SUCH_SERVER),
    "Baselines": "recording rules of the alerts, which are not loaded here",
    c.AMBIGUOUS_CALLS.name: "needs spans that no library sends on purpose",
    **{metric.name: "no sink is configured here" for metric in c.ALL if c.SINK in metric.labels},
}
"""Series, or panels, that have nothing here, and why. Their queries must be valid all the same."""


def tool(name: str) -> Path:
    """A program that must be there in CI; elsewhere a test is skipped with what to install."""
    try:
        return debian.locate(name)
    except debian.Unavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus, with traffic still running while queries are asked."""
    folder = {name: tmp_path_factory.mktemp(name) for name in ("main", "tight", "stack")}
    settings = folder["main"] / "settings.yml"
    settings.write_text(CONFIGURATION)
    with (
        harness.exporter(folder["main"], "--config", str(settings)) as main,
        harness.exporter(folder["tight"], *TIGHT) as tight,
        board_stack.ledger_page() as ledger_page,
    ):
        jobs = {
            "genai-exporter": [urlparse(main.web_url).netloc, urlparse(tight.web_url).netloc],
            "ledger": [ledger_page],
        }
        with (
            board_stack.prometheus(tool("prometheus"), jobs, folder["stack"]) as running,
            board_stack.traffic({"main": main.otlp_url, "tight": tight.otlp_url}),
        ):
            board_stack.send_nonsense(main.otlp_url)
            calls = f'sum(count_over_time({c.WORKFLOW_DURATION.name}_count{{service_name="chat-otel"}}[5m]))'
            wait_until(
                f"{SECONDS_OF_DATA} s of data",
                lambda: (running.value(f"max({calls.removeprefix('sum(').removesuffix(')')})") or 0) > SECONDS_OF_DATA,
            )
            yield running


def concrete(expression: str, **values: str) -> str:
    """An expression as Grafana would send it, with every variable at All unless ``values`` has it."""
    for pattern, replacement in REPLACED.items():
        expression = expression.replace(pattern, replacement)
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values.get(match[1], ".*"), expression)


def rows(prometheus: Prometheus, expression: str) -> list[float]:
    return [value for value in prometheus.query(expression).values() if not math.isnan(value)]


def every(boards: Boards) -> list[Asked]:
    return [asked for board in boards.values() for asked in promql(board)]


def excused(asked: Asked) -> bool:
    return asked.panel in WITHOUT_ROWS or bool(series_in(asked.text) & WITHOUT_ROWS.keys())


def test_every_query_has_rows(boards: Boards, prometheus: Prometheus) -> None:
    empty = [asked for asked in every(boards) if not excused(asked) and not rows(prometheus, concrete(asked.text))]
    assert not empty, "\n".join(map(str, empty))


def test_queries_without_rows_are_valid_all_the_same(boards: Boards, prometheus: Prometheus) -> None:
    for asked in filter(excused, every(boards)):
        prometheus.query(concrete(asked.text))


def test_variables_narrow_every_query(boards: Boards, prometheus: Prometheus) -> None:
    """A service that does not exist has nothing on any panel that claims to be about the service chosen."""
    for asked in every(boards):
        if '"$service"' in asked.text:
            assert not rows(prometheus, concrete(asked.text, service="no such service")), asked


def test_a_choice_of_several_values_works(boards: Boards, prometheus: Prometheus) -> None:
    """Grafana writes several values as (a|b)."""
    chosen = {"service": "(chat-otel|chat-openllmetry)", "model": "(gpt-4o|gpt-4o-mini)", "flow": "(rag_chatbot)"}
    for uid in ("genai-overview", "genai-latency"):
        for panel in panels(boards[uid]):
            if panel["type"] == "stat":
                for target in panel["targets"]:
                    assert rows(prometheus, concrete(target["expr"], **chosen)) or excused(
                        Asked(uid, panel["title"], target["expr"])
                    ), panel["title"]


def test_variables_offer_values(boards: Boards, prometheus: Prometheus) -> None:
    for board in boards.values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()  # type: ignore[union-attr]
                values = prometheus.ask(f"label/{label}/values", **{"match[]": concrete(selector)})
                assert values, variable["definition"]


def test_exemplars_lead_to_traces(boards: Boards, prometheus: Prometheus) -> None:
    """R9: a dot in a graph of latency has the id of its trace."""
    (panel,) = [p for p in panels(boards["genai-latency"]) if p["title"] == "Provider calls"]
    now = time.time()
    found = prometheus.ask(
        "query_exemplars", query=concrete(panel["targets"][0]["expr"]), start=str(now - 60), end=str(now)
    )
    ids = {exemplar["labels"]["trace_id"] for series in found for exemplar in series["exemplars"]}
    assert ids
    assert all(re.fullmatch(r"[0-9a-f]{32}", trace_id) for trace_id in ids)


def test_the_graphs_show_what_was_simulated(boards: Boards, prometheus: Prometheus) -> None:
    """A query may have rows and be wrong: three numbers whose truth is known from the simulator's settings."""

    def shown(uid: str, title: str, **choice: str) -> float:
        (panel,) = [p for p in panels(boards[uid]) if p["title"] == title]
        (number,) = rows(prometheus, concrete(panel["targets"][0]["expr"], **choice))
        return number

    steady, outage = ({"service": f"{name}-otel"} for name in ("chat", "provider_outage"))
    # Of all calls 0.6 % fail; in the outage 70 % of those of one provider.
    assert shown("genai-overview", "Error rate", **steady) < 0.1
    assert shown("genai-overview", "Error rate", **outage) > 0.1
    assert 0.8 < shown("genai-quality", "Groundedness", **steady) <= 1
    assert shown("genai-quality", "Groundedness", service="two_am-openinference") < 0.7
