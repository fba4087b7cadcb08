"""What settled traces become on the page."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from genai_exporter import catalogue
from genai_exporter.metrics.quota import RollingMinute
from genai_exporter.metrics.recorder import Recorder
from genai_exporter.metrics.store import Store
from genai_exporter.records import Call, Evaluation, Feedback, Resource, Role, Settled, Step

NOW = 1_700_000_000.0


class Cost(NamedTuple):
    usd: float | None
    source: str


class Quota(NamedTuple):
    provider: str
    model: str
    tokens_per_minute: int


def a_call(**changes: Any) -> Call:
    call = Call(
        trace_id=b"t" * 16, span_id=b"s" * 8, start_ns=1_699_999_990_000_000_000, duration_s=2.0, operation="chat",
        provider="openai", request_model="gpt-4o", response_model="gpt-4o-2024-11-20", service="bot",
        service_version="1.4.0", environment="prod", flow="/chat", segment="pro", agent="", prompt_name="answer",
        prompt_version="v2.3", error_type="", finish_reason="stop", streaming=False, ttft_s=None, input_tokens=None,
        output_tokens=None, cache_read_tokens=None, cache_write_tokens=None, cache_write_1h_tokens=None,
        reasoning_tokens=None, reported_cost_usd=None, service_tier="", batch=False, refusal=False, regenerated=False,
        retries=0, response_cache_hit=None, response_id="", session="", user="", dialect="otel",
    )  # fmt: skip
    return msgspec.structs.replace(call, **changes)


def a_step(role: Role, **changes: Any) -> Step:
    step = Step(
        role=role, name="search", trace_id=b"t" * 16, span_id=b"s" * 8, start_ns=0, duration_s=0.3, error_type="",
        service="bot", service_version="1.4.0", environment="prod", flow="/chat", segment="pro", agent="planner",
        prompt_name="answer", prompt_version="v2.3",
    )  # fmt: skip
    return msgspec.structs.replace(step, **changes)


def an_evaluation(name: str = "safety", score: float | None = None, result: str = "") -> Evaluation:
    return Evaluation(name, score, result, "bot", "prod", "/chat", "pro", "answer", "v2.3", b"t" * 16, b"s" * 8)


def no_price(_: Call) -> Cost:
    return Cost(None, "")


class Bench:
    """A recorder and its store, and the page as a person would ask about it."""

    def __init__(self, *, max_label_values: int = 50, max_series: int = 100_000, **options: Any) -> None:
        self.store = Store(max_label_values=max_label_values, max_series=max_series, idle_seconds=600)
        self.recorder = Recorder(self.store, **{"price": no_price, **options})

    def calls(self, *calls: Call, now: float = NOW) -> None:
        self.recorder.record(Settled(list(calls), [], [], []), now)

    def steps(self, *steps: Step, now: float = NOW) -> None:
        self.recorder.record(Settled([], list(steps), [], []), now)

    def evaluated(self, *evaluations: Evaluation, now: float = NOW) -> None:
        self.recorder.record(Settled([], [], list(evaluations), []), now)

    def samples(self) -> Iterator[Sample]:
        page = self.store.render(openmetrics=True).decode() + "# EOF\n"
        for family in text_string_to_metric_families(page):
            yield from family.samples

    def get(self, name: str, **labels: str) -> float | None:
        """The sum over the series of ``name`` that have ``labels``, None when there is none."""
        wanted = labels.items()
        values = [s.value for s in self.samples() if s.name == name and wanted <= s.labels.items()]
        return sum(values) if values else None


DURATION = "gen_ai_client_operation_duration_seconds"
TOKENS = "gen_ai_client_token_usage"
FIRST_CHUNK = "gen_ai_client_operation_time_to_first_chunk_seconds"
OUTPUT_CHUNK = "gen_ai_client_operation_time_per_output_chunk_seconds"


# Calls.


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


def test_evaluations_have_scores_and_verdicts() -> None:
    """R18-R20, R38-R41."""
    bench = Bench()
    bench.evaluated(
        an_evaluation("groundedness", 0.85, "pass"),
        an_evaluation("groundedness", 0.4, "fail"),
        an_evaluation("groundedness", 0.7, ""),
        an_evaluation("safety", None, "fail"),
    )
    bench.store.render(openmetrics=False)
    assert bench.get("llm_evaluation_score_count", gen_ai_evaluation_name="groundedness") == 3
    assert bench.get("llm_evaluation_score_bucket", gen_ai_evaluation_name="groundedness", le="0.8") == 2
    assert bench.get("llm_evaluation_score_count", gen_ai_evaluation_name="safety") is None
    verdicts = {
        (s.labels["gen_ai_evaluation_name"], s.labels["result"]): s.value
        for s in bench.samples()
        if s.name == "llm_evaluations_total"
    }
    assert verdicts == {("groundedness", "pass"): 1, ("groundedness", "fail"): 1, ("safety", "fail"): 1}


def test_a_failed_evaluation_is_an_error_and_never_a_score() -> None:
    bench = Bench()
    bench.evaluated(an_evaluation("quality", 0.5, "error"))
    bench.store.render(openmetrics=False)
    assert bench.get("llm_evaluations_total", result="error") == 1
    assert bench.get("llm_evaluation_score_count") is None


@pytest.mark.parametrize("score", [1.5, -0.1, float("nan"), float("inf")])
def test_a_score_off_the_scale_is_left_out_and_counted(score: float) -> None:
    bench = Bench()
    bench.evaluated(an_evaluation("quality", score, ""))
    assert bench.get("llm_evaluation_score_count") == 0
    assert bench.store.rejected_values == 1


def test_the_first_safety_failure_is_an_increase_even_from_an_unknown_application() -> None:
    """R41, R59."""
    bench = Bench()
    bench.evaluated(an_evaluation("safety", None, "fail"))
    seen = [bench.get("llm_evaluations_total", gen_ai_evaluation_name="safety", result="fail") for _ in range(3)]
    assert seen == [0, 1, 1]
    exemplars = [s.exemplar for s in bench.samples() if s.name == "llm_evaluations_total" and s.exemplar]
    assert [e.labels["trace_id"] for e in exemplars] == [(b"t" * 16).hex()]


def test_known_evaluations_and_feedback_are_zero_from_the_first_sight_of_an_application() -> None:
    bench = Bench(evaluation_names=["safety", "quality"])
    resource = Resource(service="bot", environment="prod", prompt_version="v2.3")
    bench.recorder.first_sight(resource, NOW)
    found = {
        (s.labels.get("gen_ai_evaluation_name", ""), s.labels.get("result") or s.labels["rating"]): s.value
        for s in bench.samples()
        if s.name in ("llm_evaluations_total", "llm_feedback_total") and s.labels["service_name"] == "bot"
    }
    names = [(name, result) for name in ("safety", "quality") for result in ("pass", "fail", "error")]
    assert found == dict.fromkeys([*names, ("", "positive"), ("", "negative")], 0)


def test_feedback_is_counted_by_rating() -> None:
    """R21, R35."""
    bench = Bench()
    verdict = Feedback("negative", "bot", "prod", "/chat", "pro", "answer", "v2.3", b"t" * 16, b"s" * 8)
    bench.recorder.record(Settled([], [], [], [verdict, verdict]), NOW)
    assert bench.get("llm_feedback_total", rating="negative", llm_user_segment="pro") == 2
    assert bench.get("llm_feedback_total", rating="positive") is None


# Deployments.


def test_live_versions_are_shown_with_the_time_they_were_first_seen() -> None:
    """R86, R102."""
    bench = Bench()
    bench.calls(a_call(), now=NOW)
    bench.calls(a_call(flow="/other"), a_call(prompt_version="v2.4"), now=NOW + 60)
    found = {
        s.labels["gen_ai_prompt_version"]: s.value
        for s in bench.samples()
        if s.name == "llm_deployment_first_seen_timestamp_seconds"
    }
    assert found == {"v2.3": NOW, "v2.4": NOW + 60}
    assert bench.get(
        "llm_deployment_info",
        service_name="bot", service_version="1.4.0", gen_ai_prompt_name="answer", gen_ai_prompt_version="v2.4",
        gen_ai_response_model="gpt-4o-2024-11-20", deployment_environment_name="prod",
    ) == 1  # fmt: skip


def test_a_new_application_version_alone_is_a_new_deployment() -> None:
    bench = Bench()
    bench.calls(a_call(), a_call(service_version="1.5.0"), a_call())
    assert bench.get("llm_deployment_info", service_version="1.5.0") == 1
    assert bench.get("llm_deployment_info") == 2


def test_a_call_without_an_answer_does_not_tell_which_model_is_live() -> None:
    bench = Bench()
    bench.calls(a_call(response_model="", error_type="timeout"))
    assert bench.get("llm_deployment_info") is None
    bench.calls(a_call(response_model=""))
    assert bench.get("llm_deployment_info", gen_ai_response_model="gpt-4o") == 1


def test_a_version_that_is_no_longer_used_leaves_the_page_and_comes_back_later() -> None:
    bench = Bench()
    bench.calls(a_call(service_version="1.4.0"), a_call(service_version="1.5.0"), now=NOW)
    for minute in range(1, 12):
        bench.calls(a_call(service_version="1.5.0"), now=NOW + 60 * minute)
        bench.recorder.tick(NOW + 60 * minute)
    assert bench.get("llm_deployment_info", service_version="1.4.0") is None
    assert bench.get("llm_deployment_first_seen_timestamp_seconds", service_version="1.5.0") == NOW
    bench.calls(a_call(service_version="1.4.0"), now=NOW + 700)
    assert bench.get("llm_deployment_first_seen_timestamp_seconds", service_version="1.4.0") == NOW + 700


# Quotas.


def test_a_quota_is_shown_beside_what_the_last_minute_used() -> None:
    """R49, R63."""
    bench = Bench(quotas=[Quota("openai", "gpt-4o", 1000), Quota("openai", "*", 5000)])
    bench.recorder.tick(NOW)
    assert bench.get("llm_quota_tokens", gen_ai_request_model="gpt-4o") == 1000
    assert bench.get("llm_quota_used_tokens", gen_ai_request_model="gpt-4o") == 0
    bench.calls(
        a_call(input_tokens=100, output_tokens=20), a_call(request_model="gpt-4o-mini", input_tokens=7), now=NOW
    )
    bench.calls(a_call(input_tokens=500), a_call(provider="anthropic", input_tokens=9), now=NOW + 30)
    for later, specific, together in ((30, 620, 627), (59, 620, 627), (60, 500, 500), (89, 500, 500), (90, 0, 0)):
        bench.recorder.tick(NOW + later)
        assert bench.get("llm_quota_used_tokens", gen_ai_request_model="gpt-4o") == specific, later
        assert bench.get("llm_quota_used_tokens", gen_ai_request_model="*") == together, later


def test_quotas_outlive_idleness_and_follow_a_reload() -> None:
    bench = Bench(quotas=[Quota("openai", "*", 5000)])
    bench.calls(a_call(input_tokens=10), now=NOW)
    bench.recorder.tick(NOW + 5000)
    assert bench.get("llm_quota_tokens") == 5000
    bench.calls(a_call(input_tokens=10), now=NOW + 5001)
    new = [Quota("openai", "*", 9000), Quota("anthropic", "*", 1)]
    bench.recorder.configure(price=no_price, quotas=new, evaluation_names=(), now=NOW + 5002)
    bench.recorder.tick(NOW + 5003)
    assert bench.get("llm_quota_tokens", gen_ai_provider_name="openai") == 9000
    assert bench.get("llm_quota_used_tokens", gen_ai_provider_name="openai") == 10
    bench.recorder.configure(price=no_price, quotas=new[1:], evaluation_names=(), now=NOW + 5004)
    bench.recorder.tick(NOW + 9000)
    assert bench.get("llm_quota_tokens", gen_ai_provider_name="openai") is None
    assert bench.get("llm_quota_used_tokens", gen_ai_provider_name="anthropic") == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1000)), max_size=40))
def test_the_rolling_minute_equals_a_plain_sum(events: list[tuple[float, int]]) -> None:
    minute, now, history = RollingMinute(), NOW, []
    for passed, amount in events:
        now += passed
        minute.add(amount, now)
        history.append((int(now), amount))
        assert minute.total == sum(a for second, a in history if second > int(now) - 60)


# Limits, expiry and reload.


def test_calls_beyond_a_labels_limit_keep_their_totals_and_are_counted() -> None:
    bench = Bench(max_label_values=3)
    bench.calls(*[a_call(request_model=f"m{index}", input_tokens=10) for index in range(20)])
    assert bench.get(f"{DURATION}_count", gen_ai_request_model="__other__") == 17
    assert bench.get(f"{TOKENS}_sum") == 200
    assert bench.get(f"{DURATION}_count") == 20
    assert bench.store.label_overflow == {"gen_ai_request_model": 17}


def test_an_error_type_beyond_its_limit_is_folded_call_by_call() -> None:
    bench = Bench(max_label_values=2)
    bench.calls(*[a_call(error_type=f"e{index % 10}") for index in range(20)])
    assert bench.get(f"{DURATION}_count", error_type="__other__") == 16
    assert bench.get(f"{DURATION}_count") == 20
    assert bench.store.label_overflow == {"error_type": 16}


def test_calls_beyond_the_limit_on_series_stay_together_and_nothing_is_lost() -> None:
    bench = Bench(max_series=2000, price=lambda call: Cost(0.5, "computed"))
    calls = [
        a_call(request_model=f"m{index % 40}", flow=f"f{index % 41}", input_tokens=10, error_type="x" * (index % 2))
        for index in range(1000)
    ]
    for call in calls:
        bench.calls(call)
    samples = list(bench.samples())
    assert len(samples) == bench.store.active_series <= 2000
    for name, total in ((f"{DURATION}_count", 1000), (f"{TOKENS}_sum", 10_000), ("llm_cost_usd_total", 500)):
        assert bench.get(name) == total
    durations: dict[tuple[str, str], float] = {}
    for s in samples:
        if s.name == f"{DURATION}_count":
            key = (s.labels["gen_ai_request_model"], s.labels["llm_flow"])
            durations[key] = durations.get(key, 0) + s.value
    costs = {
        (s.labels["gen_ai_request_model"], s.labels["llm_flow"]): s.value
        for s in samples
        if s.name == "llm_call_cost_usd_count"
    }
    own = [key for key in costs if key != ("__other__", "__other__")]
    assert len(own) >= 5
    assert all(costs[key] <= durations[key] for key in own)
    assert bench.store.series_overflow[DURATION] >= 1000 - sum(durations[key] for key in own)


def test_a_series_that_finds_no_room_later_is_counted_with_every_call() -> None:
    """A model may have been admitted before the page filled up and report tokens only afterwards."""
    bench = Bench(max_series=600)
    models = [f"m{index}" for index in range(9)]
    bench.calls(*[a_call(request_model=model) for model in models])
    for _ in range(5):
        bench.calls(*[a_call(request_model=model, input_tokens=1) for model in models])
    overflow = bench.store.series_overflow
    assert bench.get(f"{TOKENS}_count") == 45
    assert DURATION not in overflow
    assert overflow[TOKENS] == bench.get(f"{TOKENS}_count", gen_ai_request_model="__other__")
    assert overflow[TOKENS] in range(5, 45, 5)


def test_applications_whose_calls_share_the_overflow_series_keep_their_deployments_while_there_is_room() -> None:
    bench = Bench(max_series=600)
    bench.calls(*[a_call(service=f"bot{index}") for index in range(15)])
    assert (bench.get(f"{DURATION}_count", service_name="__other__") or 0) > 1
    assert bench.get("llm_deployment_info") == 15
    assert bench.get("llm_deployment_info", service_name="__other__") is None


def test_the_memory_of_deployments_is_bounded() -> None:
    bench = Bench(max_label_values=1000)
    bench.calls(*[a_call(service_version=f"1.{index}") for index in range(300)])
    (bundle,) = bench.recorder._bundles.values()
    assert len(bundle.deployments) <= 64
    assert bench.get("llm_deployment_info") == 300


def test_the_zeros_of_a_live_model_stay_and_those_of_an_idle_one_go() -> None:
    bench = Bench()
    bench.calls(a_call(), a_call(request_model="old", refusal=True), now=NOW)
    for minute in range(1, 15):
        bench.calls(a_call(), now=NOW + 60 * minute)
        bench.recorder.tick(NOW + 60 * minute)
    assert bench.get("llm_refusals_total", gen_ai_request_model="gpt-4o") == 0
    assert bench.get("llm_refusals_total", gen_ai_request_model="old") is None
    assert bench.get(f"{DURATION}_count", gen_ai_request_model="old") is None
    bench.calls(a_call(request_model="old"), now=NOW + 900)
    assert bench.get(f"{DURATION}_count", gen_ai_request_model="old") == 1
    assert bench.get("llm_refusals_total", gen_ai_request_model="old") == 0
    assert bench.get(f"{DURATION}_count", gen_ai_request_model="gpt-4o") == 15


def test_the_zeros_of_a_live_application_stay_and_return_when_it_does() -> None:
    bench = Bench(evaluation_names=["safety"])
    resource = Resource(service="bot")
    bench.recorder.first_sight(resource, NOW)
    for minute in range(1, 15):
        bench.calls(a_call(), now=NOW + 60 * minute)
        bench.recorder.tick(NOW + 60 * minute)
    assert bench.get("llm_evaluations_total", service_name="bot") == 0
    bench.recorder.tick(NOW + 5000)
    assert bench.get("llm_evaluations_total", service_name="bot") is None
    bench.recorder.first_sight(resource, NOW + 5001)
    assert bench.get("llm_evaluations_total", service_name="bot") == 0


def test_a_verdict_before_the_first_sight_of_its_application_lives_as_long_as_the_application() -> None:
    bench = Bench(evaluation_names=["safety"])
    bench.evaluated(an_evaluation("safety", None, "pass"), now=NOW)
    seen = Resource(
        service="bot", environment="prod", flow="/chat", segment="pro", prompt_name="answer", prompt_version="v2.3"
    )
    bench.recorder.first_sight(seen, NOW)
    bench.store.render(openmetrics=False)
    for minute in range(1, 15):
        bench.calls(a_call(), now=NOW + 60 * minute)
        bench.recorder.tick(NOW + 60 * minute)
    assert bench.get("llm_evaluations_total", result="pass") == 1
    assert bench.get("llm_evaluations_total", result="fail") == 0


def test_everything_leaves_when_nothing_comes_any_more() -> None:
    bench = Bench(price=lambda call: Cost(0.5, "computed"), evaluation_names=["safety"])
    bench.recorder.first_sight(Resource(service="bot"), NOW)
    bench.calls(a_call(streaming=True, ttft_s=0.1, input_tokens=3, output_tokens=4, response_cache_hit=True), now=NOW)
    bench.steps(a_step(Role.TOOL), now=NOW)
    bench.evaluated(an_evaluation("safety", 1.0, "pass"), now=NOW)
    shown = bench.store.active_series
    bench.recorder.tick(NOW + 10)
    assert bench.store.active_series == shown
    bench.recorder.tick(NOW + 1000)
    assert bench.store.active_series == 0
    assert bench.store.series_expired == shown


def test_a_reload_changes_prices_and_known_evaluations() -> None:
    bench = Bench(evaluation_names=["safety"])
    resource = Resource(service="bot")
    bench.recorder.first_sight(resource, NOW)
    bench.recorder.configure(
        price=lambda call: Cost(2.0, "computed"), quotas=(), evaluation_names=["safety", "tone"], now=NOW + 1
    )
    bench.recorder.first_sight(resource, NOW + 2)
    bench.calls(a_call(input_tokens=1), now=NOW + 3)
    assert bench.get("llm_evaluations_total", gen_ai_evaluation_name="tone", result="fail") == 0
    assert bench.get("llm_cost_usd_total") == 2.0


# The catalogue, both ways.


def test_what_a_recorder_exposes_equals_the_catalogue() -> None:
    bench = Bench(
        price=lambda call: Cost(0.5, "computed") if call.input_tokens else Cost(None, ""),
        evaluation_names=["safety"],
        quotas=[Quota("openai", "*", 1)],
    )
    bench.recorder.first_sight(Resource(service="bot"), NOW)
    bench.calls(
        a_call(
            streaming=True, ttft_s=0.1, input_tokens=3, output_tokens=4, cache_read_tokens=1, cache_write_tokens=1,
            reasoning_tokens=1, response_cache_hit=True,
        ),
    )  # fmt: skip
    bench.steps(*[a_step(role) for role in (Role.AGENT, Role.TOOL, Role.WORKFLOW, Role.RETRIEVAL)])
    bench.evaluated(an_evaluation("safety", 1.0, "pass"))
    exposed = {s.name: frozenset(s.labels) - {"le"} for s in bench.samples()}
    expected = {
        name: frozenset(label.name for label in metric.labels)
        for metric in catalogue.ALL
        if metric.audience == "operator"
        for name in metric.series
    }
    assert exposed == expected
