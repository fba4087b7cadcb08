"""Evaluations, feedback, deployments and quotas become metrics."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorder_bench import NOW, Bench, Quota, a_call, an_evaluation, no_price

from genai_exporter.metrics.quota import RollingMinute
from genai_exporter.records import Feedback, Resource, Settled


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
