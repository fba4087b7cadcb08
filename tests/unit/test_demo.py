"""The demonstration: what it reads from a metrics page, how it shows it, and when it calls the figures wrong."""

from __future__ import annotations

import argparse
import io
from collections import Counter

import pytest
from rich.console import Console, RenderableType

from genai_exporter.demo import add_arguments, check, command, view
from genai_exporter.demo.figures import Figures, quantile, read
from genai_exporter.simulate.truth import Truth

INFINITY = float("inf")

PAGE = """\
# TYPE CALLS histogram
CALLS_bucket{error_type="",gen_ai_request_model="gpt-4o",service_name="a",le="1"} 4
CALLS_bucket{error_type="",gen_ai_request_model="gpt-4o",service_name="a",le="2"} 8
CALLS_bucket{error_type="",gen_ai_request_model="gpt-4o",service_name="a",le="+Inf"} 8
CALLS_count{error_type="",gen_ai_request_model="gpt-4o",service_name="a"} 8
CALLS_sum{error_type="",gen_ai_request_model="gpt-4o",service_name="a"} 9.5
CALLS_bucket{error_type="timeout",gen_ai_request_model="o4-mini",service_name="b",le="1"} 0
CALLS_bucket{error_type="timeout",gen_ai_request_model="o4-mini",service_name="b",le="2"} 1
CALLS_bucket{error_type="timeout",gen_ai_request_model="o4-mini",service_name="b",le="+Inf"} 2
CALLS_count{error_type="timeout",gen_ai_request_model="o4-mini",service_name="b"} 2
CALLS_sum{error_type="timeout",gen_ai_request_model="o4-mini",service_name="b"} 40
# TYPE gen_ai_client_token_usage histogram
gen_ai_client_token_usage_bucket{gen_ai_token_type="input",service_name="a",le="+Inf"} 8
gen_ai_client_token_usage_count{gen_ai_token_type="input",service_name="a"} 8
gen_ai_client_token_usage_sum{gen_ai_token_type="input",service_name="a"} 4000
gen_ai_client_token_usage_bucket{gen_ai_token_type="output",service_name="a",le="+Inf"} 8
gen_ai_client_token_usage_count{gen_ai_token_type="output",service_name="a"} 8
gen_ai_client_token_usage_sum{gen_ai_token_type="output",service_name="a"} 900
# TYPE gen_ai_execute_tool_duration_seconds histogram
gen_ai_execute_tool_duration_seconds_bucket{gen_ai_tool_name="x",service_name="a",le="+Inf"} 3
gen_ai_execute_tool_duration_seconds_count{gen_ai_tool_name="x",service_name="a"} 3
gen_ai_execute_tool_duration_seconds_sum{gen_ai_tool_name="x",service_name="a"} 0.4
# TYPE gen_ai_invoke_agent_duration_seconds histogram
gen_ai_invoke_agent_duration_seconds_bucket{gen_ai_agent_name="y",service_name="a",le="+Inf"} 2
gen_ai_invoke_agent_duration_seconds_count{gen_ai_agent_name="y",service_name="a"} 2
gen_ai_invoke_agent_duration_seconds_sum{gen_ai_agent_name="y",service_name="a"} 7
# TYPE gen_ai_invoke_workflow_duration_seconds histogram
gen_ai_invoke_workflow_duration_seconds_bucket{llm_flow="chat",service_name="a",le="+Inf"} 5
gen_ai_invoke_workflow_duration_seconds_count{llm_flow="chat",service_name="a"} 5
gen_ai_invoke_workflow_duration_seconds_sum{llm_flow="chat",service_name="a"} 12
# TYPE llm_cost_usd_total counter
llm_cost_usd_total{cost_source="computed",gen_ai_request_model="gpt-4o",service_name="a"} 0.019
# TYPE llm_cached_input_tokens_total counter
llm_cached_input_tokens_total{gen_ai_request_model="gpt-4o",service_name="a"} 1024
# TYPE llm_reasoning_output_tokens_total counter
llm_reasoning_output_tokens_total{gen_ai_request_model="gpt-4o",service_name="a"} 64
# TYPE llm_evaluations_total counter
llm_evaluations_total{gen_ai_evaluation_name="safety",result="pass",service_name="a"} 5
# TYPE llm_feedback_total counter
llm_feedback_total{rating="positive",service_name="a"} 2
# TYPE genai_exporter_spans_received_total counter
genai_exporter_spans_received_total 40
# TYPE genai_exporter_spans_total counter
genai_exporter_spans_total{result="recorded",reason=""} 30
genai_exporter_spans_total{result="not_genai",reason="http"} 6
# TYPE genai_exporter_pending_spans gauge
genai_exporter_pending_spans 4
""".replace("CALLS", "gen_ai_client_operation_duration_seconds")


def truths() -> dict[str, Truth]:
    a, b = Truth(), Truth()
    a.counts = Counter(
        calls=8, input_tokens=4000, output_tokens=900, cached_input_tokens=1024, reasoning_output_tokens=64
    )
    a.tools, a.agents = Counter(x=3), Counter(y=2)
    b.counts = Counter(calls=2, failed_calls=2)
    return {"a": a, "b": b}


@pytest.fixture
def figures() -> Figures:
    return read(PAGE, 10.0)


def rendered(renderable: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(renderable)
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


def test_a_page_is_summed_by_service_model_and_error(figures: Figures) -> None:
    assert figures.total.calls == 10
    assert figures.services["a"].input_tokens == 4000
    assert figures.services["b"].failed_calls == 2
    assert figures.errors == {"timeout": 2}
    assert figures.model_calls == {"gpt-4o": 8, "o4-mini": 2}
    assert figures.model_cost_usd == {"gpt-4o": 0.019}
    assert figures.requests == 5
    assert figures.call_latency == ((1.0, 4.0), (2.0, 9.0), (INFINITY, 10.0))
    assert figures.evaluations == {"safety pass": 5}
    assert figures.feedback == {"positive": 2}
    assert figures.books_balance


def test_an_empty_page_has_no_figures() -> None:
    empty = read("", 0.0)
    assert empty.total.calls == 0
    assert quantile(empty.first_token, 0.99) is None
    assert empty.books_balance


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.2, 0.5), (0.4, 1.0), (0.65, 1.5), (0.9, 2.0), (0.99, 2.0), (0.0, 0.0)],
)
def test_quantiles_are_interpolated_like_prometheus_does(share: float, value: float) -> None:
    assert quantile(((1.0, 4.0), (2.0, 9.0), (INFINITY, 10.0)), share) == pytest.approx(value)


def test_quantiles_of_nothing_do_not_exist() -> None:
    assert quantile((), 0.5) is None
    assert quantile(((1.0, 0.0), (INFINITY, 0.0)), 0.5) is None


def test_equal_figures_are_correct(figures: Figures) -> None:
    assert check.correct(truths(), figures)


@pytest.mark.parametrize(
    ("service", "counter", "name"),
    [
        ("a", "counts", "calls"),
        ("b", "counts", "failed_calls"),
        ("a", "counts", "input_tokens"),
        ("a", "counts", "output_tokens"),
        ("a", "counts", "cached_input_tokens"),
        ("a", "counts", "reasoning_output_tokens"),
        ("a", "tools", "x"),
        ("a", "agents", "y"),
    ],
)
def test_one_figure_off_by_one_is_wrong_and_shown(figures: Figures, service: str, counter: str, name: str) -> None:
    sent = truths()
    getattr(sent[service], counter)[name] += 1
    assert not check.correct(sent, figures)
    assert "!=" in rendered(check.table(sent, figures))
    assert "!=" not in rendered(check.table(truths(), figures))


def test_a_service_that_is_not_on_the_page_is_wrong(figures: Figures) -> None:
    sent = truths()
    sent["c"] = Truth()
    assert check.correct(sent, figures)  # nothing was sent for it
    sent["c"].counts["calls"] = 1
    assert not check.correct(sent, figures)


def test_spans_that_are_not_accounted_for_are_wrong(figures: Figures) -> None:
    lost = read(PAGE.replace("genai_exporter_spans_received_total 40", "genai_exporter_spans_received_total 41"), 10.0)
    assert not lost.books_balance
    assert not check.correct(truths(), lost)


def test_rates_are_those_of_the_window(figures: Figures) -> None:
    history = view.History()
    history.add(read("", 0.0))
    assert set(history.rates().values()) == {0.0}
    history.add(figures)
    rates = history.rates()
    assert rates["calls"] == pytest.approx(1.0)
    assert rates["input_tokens"] == pytest.approx(400.0)
    assert rates["cost_usd"] == pytest.approx(0.0019)
    history.add(read(PAGE, 10.0 + view.WINDOW_S))
    assert history.rates()["calls"] == 0.0  # the first page has left the window


def test_the_screen_shows_what_the_user_wants_to_know(figures: Figures) -> None:
    history = view.History()
    history.add(read("", 0.0))
    history.add(figures)
    text = rendered(view.screen(history, 10.0, {"metrics": "http://127.0.0.1:9464/metrics"}, "nothing lost"))
    for part in (
        "requests/s", "0.5", "tokens/s in", "400", "cost/hour", "$6.84", "time to first token", "provider call",
        "p50", "p95", "p99", "timeout", "gpt-4o", "$0.0190", "recorded", "pending", "safety pass", "positive",
        "http://127.0.0.1:9464/metrics", "nothing lost",
    ):  # fmt: skip
        assert part in text


def test_a_log_line_holds_the_main_figures(figures: Figures) -> None:
    history = view.History()
    history.add(read("", 0.0))
    history.add(figures)
    text = view.line(history, 10.0)
    for part in ("5 requests (0.5/s)", "10 calls, 2 failed", "TTFT p50/p95/p99 -/-/-", "in 400 out 90", "$6.84/h"):
        assert part in text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0.25, "250 ms"), (1.0, "1.0 s"), (61.25, "61.2 s")])
def test_times_are_written_for_people(value: float | None, text: str) -> None:
    assert view.seconds(value) == text


def test_the_demonstration_runs_until_stopped_unless_told_otherwise() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args([]).duration == 0
    args = parser.parse_args(["--duration", "60", "--rate", "12", "--scenario", "two_am", "--scenario-after", "30"])
    assert (args.duration, args.rate, args.scenario, args.scenario_after) == (60.0, 12.0, "two_am", 30.0)


def test_an_exporter_that_does_not_start_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __init__(self, **_settings: float) -> None:
            pass

        def __enter__(self) -> None:
            raise command.ExporterError("the exporter ended at once\nno such file")

        def __exit__(self, *_: object) -> None:
            raise AssertionError

    monkeypatch.setattr(command, "Exporter", Broken)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert command.run(parser.parse_args([])) == command.UNAVAILABLE
    assert capsys.readouterr().err == "demo: the exporter ended at once\nno such file\n"
