"""Calls and steps become metrics."""

from typing import Any

import pytest
from recorder_bench import DURATION, FIRST_CHUNK, NOW, OUTPUT_CHUNK, TOKENS, Bench, Cost, a_call, a_step, an_evaluation

from genai_exporter import catalogue
from genai_exporter.records import Role, Settled


def test_a_call_is_one_observation_under_all_its_labels() -> None:
    """R44, R51, R88."""
    bench = Bench()
    bench.calls(a_call())
    found = [s for s in bench.samples() if s.name == f"{DURATION}_count"]
    assert [(s.value, s.labels) for s in found] == [
        (
            1,
            {
                "error_type": "",
                "gen_ai_operation_name": "chat",
                "gen_ai_provider_name": "openai",
                "gen_ai_request_model": "gpt-4o",
                "gen_ai_response_model": "gpt-4o-2024-11-20",
                "gen_ai_prompt_name": "answer",
                "gen_ai_prompt_version": "v2.3",
                "service_name": "bot",
                "deployment_environment_name": "prod",
                "llm_flow": "/chat",
                "llm_user_segment": "pro",
            },
        )
    ]
    assert bench.get(f"{DURATION}_sum") == 2.0


def test_errors_are_told_apart_by_type() -> None:
    """R24, R28, R43."""
    bench = Bench()
    bench.calls(a_call(), a_call(error_type="timeout"), a_call(error_type="timeout"), a_call(error_type="rate_limit"))
    counts = {kind: bench.get(f"{DURATION}_count", error_type=kind) for kind in ("", "timeout", "rate_limit")}
    assert counts == {"": 1, "timeout": 2, "rate_limit": 1}
    assert bench.get("llm_rate_limit_hits_total") == 1


def test_what_was_not_reported_leaves_no_trace() -> None:
    bench = Bench()
    bench.calls(a_call())
    absent = [
        f"{TOKENS}_count", f"{FIRST_CHUNK}_count", f"{OUTPUT_CHUNK}_count", "llm_cached_input_tokens_total",
        "llm_cache_write_input_tokens_total", "llm_reasoning_output_tokens_total", "llm_cost_usd_total",
        "llm_call_cost_usd_count", "llm_response_cache_requests_total",
    ]  # fmt: skip
    assert {name: bench.get(name) for name in absent} == dict.fromkeys(absent)


def test_a_reported_zero_is_recorded() -> None:
    bench = Bench()
    bench.calls(a_call(input_tokens=0, output_tokens=0, cache_read_tokens=0))
    assert bench.get(f"{TOKENS}_count", gen_ai_token_type="input") == 1
    assert bench.get(f"{TOKENS}_sum", gen_ai_token_type="input") == 0
    assert bench.get("llm_cached_input_tokens_total") == 0


def test_tokens_are_recorded_by_type_and_subset() -> None:
    """R14, R15, R30, R31, R34."""
    bench = Bench()
    bench.calls(
        a_call(
            input_tokens=1000, output_tokens=300, cache_read_tokens=600, cache_write_tokens=50, reasoning_tokens=200
        ),
        a_call(input_tokens=8000),
    )
    assert bench.get(f"{TOKENS}_sum", gen_ai_token_type="input") == 9000
    assert bench.get(f"{TOKENS}_bucket", gen_ai_token_type="input", le="4000.0") == 1
    assert bench.get(f"{TOKENS}_bucket", gen_ai_token_type="input", le="8000.0") == 2
    assert bench.get(f"{TOKENS}_count", gen_ai_token_type="output") == 1
    assert bench.get("llm_cached_input_tokens_total") == 600
    assert bench.get("llm_cache_write_input_tokens_total") == 50
    assert bench.get("llm_reasoning_output_tokens_total") == 200


@pytest.mark.parametrize(
    ("changes", "first", "each"),
    [
        ({"streaming": True, "ttft_s": 0.5, "output_tokens": 151}, 0.5, 0.01),
        ({"streaming": True, "ttft_s": 0.5, "output_tokens": 1}, 0.5, None),
        ({"streaming": True, "ttft_s": 0.5, "output_tokens": None}, 0.5, None),
        ({"streaming": True, "ttft_s": 2.5, "output_tokens": 151}, 2.5, None),
        ({"streaming": True, "ttft_s": None, "output_tokens": 151}, None, None),
        ({"streaming": False, "ttft_s": 0.5, "output_tokens": 151}, None, None),
    ],
    ids=[
        "a streaming call has both",
        "one token has no time between tokens",
        "nor has an unknown number",
        "a first chunk after the end gives no negative time",
        "a stream without a first chunk",
        "a call that does not stream has no first chunk",
    ],
)
def test_time_to_first_chunk_and_per_chunk(changes: dict[str, Any], first: float | None, each: float | None) -> None:
    """R11, R13, R25, R29."""
    bench = Bench()
    bench.calls(a_call(**changes))
    assert bench.get(f"{FIRST_CHUNK}_sum") == first
    assert bench.get(f"{OUTPUT_CHUNK}_sum") == each


def test_cost_is_recorded_by_source() -> None:
    """R16, R17, R32, R51."""
    costs = iter([Cost(0.01, "computed"), Cost(0.25, "reported"), Cost(0.0, "computed")])
    bench = Bench(price=lambda call: next(costs))
    bench.calls(a_call(input_tokens=10), a_call(input_tokens=10), a_call(input_tokens=0))
    assert bench.get("llm_cost_usd_total", cost_source="computed") == 0.01
    assert bench.get("llm_cost_usd_total", cost_source="reported") == 0.25
    assert bench.get("llm_call_cost_usd_bucket", cost_source="computed", le="0.01") == 2
    assert bench.get("llm_call_cost_usd_bucket", cost_source="reported", le="0.1") == 0
    assert bench.get("llm_unpriced_calls_total") == 0


def test_an_unknown_price_is_counted_and_is_never_zero_dollars() -> None:
    """R132."""
    bench = Bench()
    bench.calls(*[a_call(input_tokens=5, request_model="mine", response_model="mine")] * 3)
    bench.calls(a_call(output_tokens=5, request_model="other", response_model=""))
    bench.calls(a_call(request_model="no tokens"), a_call(input_tokens=0, output_tokens=0))
    assert bench.get("llm_unpriced_calls_total", gen_ai_request_model="mine") == 3
    assert bench.get("llm_unpriced_calls_total", gen_ai_request_model="other") == 1
    assert bench.get("llm_unpriced_calls_total") == 4
    assert bench.get("llm_cost_usd_total") is None
    assert bench.get("llm_call_cost_usd_count") is None


def test_what_may_go_wrong_is_born_at_zero_with_the_model() -> None:
    """Invariant 6: a first increment must be an increase."""
    bench = Bench()
    bench.calls(a_call(finish_reason=""))
    for name in (
        "llm_refusals_total", "llm_retries_total", "llm_regenerations_total", "llm_rate_limit_hits_total",
        "llm_unpriced_calls_total",
    ):  # fmt: skip
        assert bench.get(name, gen_ai_request_model="gpt-4o", service_name="bot") == 0, name
    reasons = {s.labels["finish_reason"]: s.value for s in bench.samples() if s.name == "llm_finish_reasons_total"}
    assert reasons == dict.fromkeys(("stop", "length", "content_filter", "tool_call", "error", "other"), 0)


def test_finish_reasons_refusals_and_retries_count() -> None:
    """R23, R37, R42."""
    bench = Bench()
    bench.calls(
        a_call(finish_reason="length", refusal=True, retries=2),
        a_call(finish_reason="length"),
        a_call(finish_reason="a new one"),
    )
    assert bench.get("llm_finish_reasons_total", finish_reason="length") == 2
    assert bench.get("llm_finish_reasons_total", finish_reason="other") == 1
    assert bench.get("llm_finish_reasons_total") == 3
    assert bench.get("llm_refusals_total") == 1
    assert bench.get("llm_retries_total") == 2


def test_a_repeated_request_counts_once_under_the_call_that_answered() -> None:
    """R36: one request of a user is one regeneration, whichever order its calls arrive in."""
    embed = a_call(operation="embeddings", regenerated=True, duration_s=1.0)
    answer = a_call(regenerated=True, duration_s=5.0)
    other = a_call(regenerated=True, trace_id=b"u" * 16)
    for calls in ([embed, answer, other], [other, answer, embed]):
        bench = Bench()
        bench.recorder.record(Settled(calls, [], [], [], regenerations=2), NOW)
        assert bench.get("llm_regenerations_total", gen_ai_operation_name="chat") == 2
        assert bench.get("llm_regenerations_total") == 2


def test_a_regeneration_that_no_call_carries_counts_where_it_belongs() -> None:
    """R36: a score or a log record may tell of it."""
    bench = Bench()
    calls = [a_call(operation="embeddings", duration_s=1.0), a_call(duration_s=5.0)]
    bench.recorder.record(Settled(calls, [], [], [], regenerations=1), NOW)
    assert bench.get("llm_regenerations_total", gen_ai_operation_name="chat") == 1
    bench.recorder.record(Settled([], [], [], [], regenerations=3), NOW)
    assert bench.get("llm_regenerations_total", gen_ai_operation_name="") == 3
    assert bench.get("llm_regenerations_total") == 4


def test_both_results_of_a_response_cache_appear_with_the_first() -> None:
    """R34, R53."""
    bench = Bench()
    bench.calls(a_call(response_cache_hit=True), a_call(response_cache_hit=True))
    assert bench.get("llm_response_cache_requests_total", result="hit") == 2
    assert bench.get("llm_response_cache_requests_total", result="miss") == 0
    bench.calls(a_call(response_cache_hit=False))
    assert bench.get("llm_response_cache_requests_total", result="miss") == 1


def test_every_observation_leads_to_its_trace() -> None:
    """R9."""
    bench = Bench(price=lambda call: Cost(0.02, "computed"))
    bench.calls(
        a_call(trace_id=b"\x01" * 16, span_id=b"\x02" * 8, streaming=True, ttft_s=0.4, input_tokens=20, output_tokens=9)
    )
    seen = {s.name: s.exemplar for s in bench.samples() if s.exemplar}
    histograms = (DURATION, TOKENS, FIRST_CHUNK, OUTPUT_CHUNK, "llm_call_cost_usd")
    assert {f"{name}_bucket" for name in histograms} <= set(seen)
    assert {tuple(e.labels.items()) for e in seen.values()} == {(("trace_id", "01" * 16), ("span_id", "02" * 8))}
    assert {float(e.timestamp or 0) for e in seen.values()} == {NOW}


def test_a_rare_slow_call_stays_visible_behind_quick_ones() -> None:
    bench = Bench()
    bench.calls(a_call(trace_id=b"\x05" * 16, duration_s=90.0), *[a_call(duration_s=0.2)] * 50)
    slow = [s for s in bench.samples() if s.name == f"{DURATION}_bucket" and s.labels["le"] == "120.0"]
    assert [s.exemplar and s.exemplar.labels["trace_id"] for s in slow] == ["05" * 16]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_an_impossible_number_is_left_out_and_counted(bad: float) -> None:
    bench = Bench(price=lambda call: Cost(bad, "computed"))
    bench.calls(a_call(duration_s=bad, streaming=True, ttft_s=bad, output_tokens=5))
    assert bench.get(f"{DURATION}_count") == 0
    assert bench.get("llm_cost_usd_total") == 0
    assert bench.store.rejected_values >= 4


# Dimensions.


def test_dimensions_can_be_few_and_labels_that_define_a_metric_stay() -> None:
    bench = Bench(dimensions=["llm_flow"], price=lambda call: Cost(1.0, "computed"))
    bench.calls(a_call(input_tokens=1), a_call(input_tokens=2, request_model="another"))
    bench.steps(a_step(Role.TOOL))
    bench.evaluated(an_evaluation(score=0.5, result="pass"))
    labels = {s.name: set(s.labels) for s in bench.samples()}
    assert labels[f"{DURATION}_count"] == {"error_type", "service_name", "llm_flow"}
    assert labels[f"{TOKENS}_count"] == {"gen_ai_token_type", "service_name", "llm_flow"}
    assert labels["llm_cost_usd_total"] == {"cost_source", "service_name", "llm_flow"}
    assert labels["gen_ai_execute_tool_duration_seconds_count"] == {
        "error_type", "gen_ai_tool_name", "gen_ai_agent_name", "service_name", "llm_flow",
    }  # fmt: skip
    assert labels["llm_evaluations_total"] == {"gen_ai_evaluation_name", "result", "service_name", "llm_flow"}
    assert bench.get(f"{DURATION}_count") == 2
    assert len([s for s in bench.samples() if s.name == "llm_refusals_total"]) == 1


@pytest.mark.parametrize("dimensions", [[], ["service_name"], list(catalogue.DEFAULT_DIMENSIONS)])
def test_every_choice_of_dimensions_records_the_same_totals(dimensions: list[str]) -> None:
    bench = Bench(dimensions=dimensions)
    bench.calls(a_call(), a_call(service="other"), a_call(segment="free"))
    bench.steps(a_step(Role.WORKFLOW), a_step(Role.RETRIEVAL), a_step(Role.AGENT))
    assert bench.get(f"{DURATION}_count") == 3
    assert bench.get("llm_deployment_info") == 2
    assert bench.get("gen_ai_invoke_workflow_duration_seconds_count") == 1


def test_labels_on_request_appear_when_asked_for() -> None:
    bench = Bench(dimensions=["gen_ai_agent_name", "service_version"])
    bench.calls(a_call(agent="planner"))
    assert bench.get(f"{DURATION}_count", gen_ai_agent_name="planner", service_version="1.4.0") == 1
    assert bench.get("llm_deployment_info", service_version="1.4.0") == 1


def test_an_unknown_dimension_is_refused_with_the_choice() -> None:
    with pytest.raises(ValueError, match=r"user_id unknown; choose from .*llm_user_segment"):
        Bench(dimensions=["user_id"])


# Steps.


def test_steps_are_timed_by_role() -> None:
    """R26, R46, R106."""
    bench = Bench()
    bench.steps(
        a_step(Role.TOOL),
        a_step(Role.AGENT, name="planner", agent="", error_type="timeout", duration_s=40.0),
        a_step(Role.WORKFLOW, name="pipeline", duration_s=3.0),
        a_step(Role.RETRIEVAL, duration_s=2.5),
    )
    assert bench.get(
        "gen_ai_execute_tool_duration_seconds_sum", gen_ai_tool_name="search", gen_ai_agent_name="planner"
    ) == pytest.approx(0.3)
    assert (
        bench.get("gen_ai_invoke_agent_duration_seconds_sum", gen_ai_agent_name="planner", error_type="timeout") == 40
    )
    assert bench.get("gen_ai_invoke_workflow_duration_seconds_bucket", llm_flow="/chat", le="3.0") == 1
    assert bench.get("llm_retrieval_duration_seconds_bucket", le="2.0", gen_ai_prompt_version="v2.3") == 0
    assert bench.get("llm_retrieval_duration_seconds_count", llm_user_segment="pro") == 1


def test_names_come_from_where_the_sender_put_them() -> None:
    bench = Bench()
    bench.steps(a_step(Role.AGENT, name="", agent="planner"), a_step(Role.WORKFLOW, name="pipeline", flow=""))
    assert bench.get("gen_ai_invoke_agent_duration_seconds_count", gen_ai_agent_name="planner") == 1
    assert bench.get("gen_ai_invoke_workflow_duration_seconds_count", llm_flow="pipeline") == 1


# Evaluations and feedback.
