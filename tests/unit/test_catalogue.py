"""The catalogue's rules of naming, and its agreement with the requirements and with the documentation."""

from pathlib import Path

import pytest

from genai_exporter import catalogue
from genai_exporter.catalogue import Label, Metric
from genai_exporter.metrics import reference

LABEL = Label("service_name", "An application.")
ROOT = Path(__file__).parents[2]


def counter(name: str = "llm_things_total", **changes: object) -> Metric:
    fields: dict[str, object] = {"kind": "counter", "unit": "", "help": "Things.", "labels": (LABEL,), **changes}
    return Metric(name, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind", "unit", "problem"),
    [
        ("llm_things", "counter", "", "end in _total"),
        ("llm_things_total", "gauge", "", "end in _total"),
        ("things_total", "counter", "", "names start with"),
        ("llm_Things_total", "counter", "", "lower case"),
        ("llm_wait_milliseconds", "gauge", "milliseconds", "base units"),
        ("llm_seconds_waited", "gauge", "seconds", "anywhere but at the end"),
        ("llm_wait", "gauge", "seconds", "must end in the unit"),
        ("llm_wait_seconds", "gauge", "", "its unit is none"),
        ("llm_wait_count", "gauge", "", "kind, or a suffix"),
        ("llm_cost_total", "counter", "usd", "must end in the unit"),
        ("llm_info_total", "counter", "", "only a gauge may be"),
    ],
)
def test_a_bad_name_is_refused(name: str, kind: str, unit: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        counter(name, kind=kind, unit=unit)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"labels": (LABEL, LABEL)}, "appears twice"),
        ({"optional": (LABEL,)}, "appears twice"),
        ({"essential": (Label("llm_flow", "A flow."),)}, "not among its labels"),
        ({"help": "Things"}, "sentence"),
        ({"buckets": (1.0,)}, "histograms, and only they"),
        ({"name": "llm_wait_seconds", "kind": "histogram", "unit": "seconds"}, "histograms, and only they"),
        ({"name": "llm_score", "kind": "histogram", "buckets": (2.0, 1.0)}, "must rise"),
        ({"name": "llm_score", "kind": "histogram", "buckets": (1.0, float("inf"))}, "implied"),
        ({"name": "llm_score", "kind": "gauge", "hold_until_scraped": True}, "only a counter can be held"),
    ],
)
def test_a_bad_shape_is_refused(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        counter(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["le", "job", "instance", "__name", "Upper", "with-dash", ""])
def test_a_label_name_that_prometheus_reserves_or_rejects_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="label name"):
        Label(name, "Something.")


def test_a_label_needs_a_meaning_a_limit_and_a_sound_vocabulary() -> None:
    for fields in ({"meaning": ""}, {"meaning": "x", "limit": 0}, {"meaning": "x", "values": ("a", "a")}):
        with pytest.raises(ValueError, match="label a"):
            Label("a", **fields)  # type: ignore[arg-type]


def test_names_are_unique() -> None:
    names = [metric.name for metric in catalogue.ALL]
    assert len(names) == len(set(names))
    series = [name for metric in catalogue.ALL for name in metric.series]
    assert len(series) == len(set(series))


def test_the_names_on_which_other_parts_rely_exist() -> None:
    assert {metric.name: metric.kind for metric in catalogue.ALL if metric.audience == "operator"} == {
        "gen_ai_client_operation_duration_seconds": "histogram",
        "gen_ai_client_token_usage": "histogram",
        "gen_ai_client_operation_time_to_first_chunk_seconds": "histogram",
        "gen_ai_client_operation_time_per_output_chunk_seconds": "histogram",
        "gen_ai_invoke_agent_duration_seconds": "histogram",
        "gen_ai_execute_tool_duration_seconds": "histogram",
        "gen_ai_invoke_workflow_duration_seconds": "histogram",
        "llm_retrieval_duration_seconds": "histogram",
        "llm_cached_input_tokens_total": "counter",
        "llm_cache_write_input_tokens_total": "counter",
        "llm_reasoning_output_tokens_total": "counter",
        "llm_cost_usd_total": "counter",
        "llm_call_cost_usd": "histogram",
        "llm_unpriced_calls_total": "counter",
        "llm_finish_reasons_total": "counter",
        "llm_refusals_total": "counter",
        "llm_retries_total": "counter",
        "llm_regenerations_total": "counter",
        "llm_rate_limit_hits_total": "counter",
        "llm_response_cache_requests_total": "counter",
        "llm_feedback_total": "counter",
        "llm_evaluation_score": "histogram",
        "llm_evaluations_total": "counter",
        "llm_deployment_info": "gauge",
        "llm_deployment_first_seen_timestamp_seconds": "gauge",
        "llm_quota_tokens": "gauge",
        "llm_quota_used_tokens": "gauge",
    }
    assert {metric.name.startswith("genai_exporter_") for metric in catalogue.ALL if metric.audience == "internal"} == {
        True
    }


@pytest.mark.parametrize(
    ("metric", "edges"),
    [
        (catalogue.TIME_TO_FIRST_CHUNK, {0.5, 1.0, 5.0, 60.0}),  # R11, R25, R58
        (catalogue.CALL_DURATION, {3.0, 10.0, 30.0, 60.0, 120.0, 300.0}),  # R12, R26, R117
        (catalogue.WORKFLOW_DURATION, {3.0, 30.0, 60.0}),  # R12, R26
        (catalogue.CALL_COST, {0.01, 0.1}),  # R16, R76
        (catalogue.TOKEN_USAGE, {500.0, 8000.0, 1000000.0}),  # R143
        (catalogue.TIME_PER_OUTPUT_CHUNK, {0.02}),  # R13: 50 tokens a second
        (catalogue.RETRIEVAL_DURATION, {2.0}),  # R95
        (catalogue.EVALUATION_SCORE, {0.5, 0.7, 0.8, 0.9}),  # R18, R19, R40, R114
    ],
)
def test_every_threshold_is_a_bucket_edge(metric: Metric, edges: set[float]) -> None:
    assert edges <= set(metric.buckets or ())


def test_no_label_identifies_a_person_a_conversation_or_a_request() -> None:
    names = {label.name for metric in catalogue.ALL for label in (*metric.labels, *metric.optional)}
    forbidden = ("user_id", "session", "conversation", "trace", "response_id", "request_id")
    assert [name for name in names if any(word in name for word in forbidden)] == []


def test_dimensions_choose_labels_and_essential_ones_stay() -> None:
    assert catalogue.TOKEN_USAGE.chosen(()) == ("gen_ai_token_type", "service_name")
    assert catalogue.TOKEN_USAGE.chosen(["gen_ai_agent_name", "llm_flow"]) == (
        "gen_ai_token_type",
        "service_name",
        "llm_flow",
        "gen_ai_agent_name",
    )
    assert catalogue.TOOL_DURATION.chosen(()) == (
        "error_type",
        "gen_ai_tool_name",
        "gen_ai_agent_name",
        "service_name",
    )


@pytest.mark.parametrize("metric", [m for m in catalogue.ALL if m.audience == "operator"], ids=lambda m: m.name)
def test_the_default_dimensions_give_the_labels_that_the_catalogue_lists(metric: Metric) -> None:
    assert metric.chosen(catalogue.DEFAULT_DIMENSIONS) == tuple(label.name for label in metric.labels)


def test_labels_come_from_one_vocabulary() -> None:
    vocabulary = set(catalogue.VOCABULARY)
    own = {"finish_reason", "cost_source", "result", "rating"}
    for metric in catalogue.ALL:
        if metric.audience == "operator":
            assert {label.name for label in metric.labels if label not in vocabulary} <= own, metric.name


def test_the_committed_reference_equals_a_rebuild() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == reference.render()


def test_the_reference_names_every_metric_and_label() -> None:
    text = reference.render()
    for metric in catalogue.ALL:
        assert f"### `{metric.name}`" in text
        assert all(f"`{label.name}`" in text for label in metric.labels)
