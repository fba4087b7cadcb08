"""The simulated application: same seed, same requests; well-formed traces; scenarios that change what they promise."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from genai_exporter.simulate.conversation import Chatbot
from genai_exporter.simulate.model import CALLS, Exchange, Kind, ModelCall, Request, Span
from genai_exporter.simulate.scenario import SCENARIOS, STEADY, Behaviour
from genai_exporter.simulate.truth import Truth, total


def requests_of(behaviour: Behaviour, count: int = 400, seed: int = 7) -> list[Request]:
    chatbot = Chatbot(seed)
    return [chatbot.next(behaviour) for _ in range(count)]


def calls_of(requests: list[Request]) -> Iterator[tuple[Span, ModelCall]]:
    for request in requests:
        for span in request.spans:
            if isinstance(span.facts, ModelCall):
                yield span, span.facts


def answers_of(requests: list[Request]) -> list[ModelCall]:
    return [
        call
        for _, call in calls_of(requests)
        if call.usage is not None
        and call.prompt is not None
        and call.prompt.name == "rag-answer"
        and not call.cache_hit
    ]


STEADY_REQUESTS = requests_of(STEADY)


def test_a_seed_determines_every_request() -> None:
    assert requests_of(STEADY, 50, seed=3) == requests_of(STEADY, 50, seed=3)
    assert requests_of(STEADY, 50, seed=3) != requests_of(STEADY, 50, seed=4)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_every_trace_is_a_tree_whose_children_end_before_their_parents(scenario: object) -> None:
    for request in requests_of(scenario.behaviour, 120):  # type: ignore[attr-defined]
        position = {span.span_id: index for index, span in enumerate(request.spans)}
        spans = {span.span_id: span for span in request.spans}
        assert len(position) == len(request.spans)
        assert [span.kind for span in request.spans if not span.parent_id] == [Kind.REQUEST]
        assert request.spans[-1].kind is Kind.REQUEST
        for index, span in enumerate(request.spans):
            assert span.start_s <= span.end_s <= request.duration_s
            if span.parent_id:
                assert position[span.parent_id] > index
                assert spans[span.parent_id].start_s <= span.start_s
                assert spans[span.parent_id].end_s >= span.end_s


def test_a_request_has_the_steps_of_a_retrieval_pipeline() -> None:
    """R100: root, query rewrite, embedding, retrieval, ranking, generation, post-processing."""
    kinds = {span.kind for request in STEADY_REQUESTS for span in request.spans}
    assert kinds == set(Kind)
    prompts = {call.prompt.name for _, call in calls_of(STEADY_REQUESTS) if call.prompt}
    assert prompts == {"query-rewrite", "rag-answer", "support-agent", "summarize"}
    steps = {span.name for request in STEADY_REQUESTS for span in request.spans if span.kind is Kind.STEP}
    assert steps == {"post_process", "agent_iteration"}


def test_agents_number_their_iterations_and_run_the_tools_of_one_decision_side_by_side() -> None:
    """R106."""
    parallel = 0
    for request in STEADY_REQUESTS:
        iterations = [
            span.facts.iteration
            for span in request.spans
            if isinstance(span.facts, Exchange) and span.facts.iteration is not None
        ]
        assert iterations == list(range(1, len(iterations) + 1))
        tools = defaultdict(list)
        for span in request.spans:
            if span.kind is Kind.TOOL:
                tools[span.parent_id].append(span)
        for siblings in tools.values():
            assert len({span.start_s for span in siblings}) == 1
            parallel += len(siblings) > 1
        decided = [use.name for _, call in calls_of([request]) for use in call.tools]
        assert sorted(decided) == sorted(span.name for span in request.spans if span.kind is Kind.TOOL)
    assert parallel


def test_every_attempt_is_a_span_of_its_own_with_a_count() -> None:
    """R23, R106."""
    requests = requests_of(SCENARIOS["provider_outage"].behaviour, 60)
    tried = 0
    for request in requests:
        previous: tuple[Span, ModelCall] | None = None
        for span, call in calls_of([request]):
            if call.attempt:
                assert previous is not None
                assert previous[0].failure is not None
                assert previous[0].parent_id == span.parent_id
                assert previous[1].request_model == call.request_model
                assert previous[1].attempt == call.attempt - 1
                tried += 1
            previous = span, call
    assert tried > 20


def test_the_input_of_a_session_grows_with_its_turns() -> None:
    """R33, R68, R135."""
    by_turn = defaultdict(list)
    for request in requests_of(STEADY, 1_500):
        for call in answers_of([request]):
            by_turn[request.turn].append(call.usage.input)  # type: ignore[union-attr]
    assert statistics.median(by_turn[1]) < 600
    assert statistics.median(by_turn[6]) > statistics.median(by_turn[1]) * 1.5
    cached = [call.usage for _, call in calls_of(STEADY_REQUESTS) if call.usage and call.usage.cache_read]
    assert cached
    for usage in cached:
        assert usage.cache_read <= usage.input


def test_steady_traffic_stays_below_the_thresholds_that_alert() -> None:
    """R25, R28, R41: nothing may page on a good day."""
    requests = requests_of(STEADY, 1_500)
    calls = list(calls_of(requests))
    assert 0 < sum(span.failure is not None for span, _ in calls) / len(calls) < 0.05
    first = sorted(call.ttft_s for _, call in calls if call.ttft_s is not None)
    assert statistics.median(first) < 1.0
    assert first[int(len(first) * 0.99)] < 5.0
    assert not [v for r in requests for v in r.verdicts if v.name == "safety" and v.label == "fail"]


def test_usage_is_whole_on_success_and_absent_on_failure() -> None:
    for span, call in calls_of(requests_of(SCENARIOS["provider_outage"].behaviour, 60)):
        assert span.kind in CALLS
        assert (call.usage is None) == (span.failure is not None)
        assert (call.ttft_s is not None) == (call.streaming and span.failure is None)
        if call.ttft_s is not None:
            assert 0 < call.ttft_s <= span.end_s - span.start_s
        if call.usage is not None:
            assert call.usage.reasoning < max(call.usage.output, 1)


def test_cost_explosion_takes_answers_from_500_to_8000_input_tokens() -> None:
    """R143."""
    before = answers_of(STEADY_REQUESTS)
    after = answers_of(requests_of(SCENARIOS["cost_explosion"].behaviour))
    assert 400 < statistics.median(call.usage.input for call in before) < 700  # type: ignore[union-attr]
    assert 7_500 < statistics.median(call.usage.input for call in after) < 8_500  # type: ignore[union-attr]
    assert {call.prompt.version for call in before} == {"v2.3"}  # type: ignore[union-attr]
    assert {call.prompt.version for call in after} == {"v2.4"}  # type: ignore[union-attr]


def test_prompt_regression_makes_one_language_hallucinate() -> None:
    """R141."""
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for request in requests_of(SCENARIOS["prompt_regression"].behaviour, 2_500):
        for verdict in request.verdicts:
            if verdict.name == "hallucination":
                verdicts[request.language][verdict.label] += 1
    shares = {language: counts["fail"] / counts.total() for language, counts in verdicts.items()}
    assert 0.10 < shares.pop("ja") < 0.20
    assert shares.keys() == {"en", "de", "es"}
    assert all(share < 0.05 for share in shares.values())


def test_provider_outage_fails_one_provider_and_falls_back_to_others() -> None:
    requests = requests_of(SCENARIOS["provider_outage"].behaviour, 300)
    failed: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for span, call in calls_of(requests):
        asked[call.provider] += 1
        failed[call.provider] += span.failure is not None
    assert failed["openai"] / asked["openai"] > 0.3
    assert failed["anthropic"] / asked["anthropic"] < 0.05
    kinds = {span.failure.kind for span, call in calls_of(requests) if span.failure and call.provider == "openai"}
    assert {"timeout", "server_error"} <= kinds
    assert sum(span.failure is not None for r in requests for span in r.spans[-1:]) < len(requests) / 10


def test_slow_first_token_exceeds_60_seconds_at_the_99th_percentile() -> None:
    """R58."""
    first = sorted(
        call.ttft_s
        for _, call in calls_of(requests_of(SCENARIOS["slow_first_token"].behaviour))
        if call.ttft_s is not None
    )
    assert first[int(len(first) * 0.99)] > 60
    assert statistics.median(first) < 1


def test_safety_incident_fails_the_safety_evaluation() -> None:
    """R41, R59."""
    verdicts = [
        v.label for r in requests_of(SCENARIOS["safety_incident"].behaviour) for v in r.verdicts if v.name == "safety"
    ]
    assert verdicts.count("fail") > 5
    assert verdicts.count("pass") > verdicts.count("fail")


def test_two_am_is_all_green_and_all_wrong() -> None:
    """R6: no error anywhere, cost tripled, incoherent answers, requests that hang for 30 s."""
    requests = requests_of(SCENARIOS["two_am"].behaviour)
    assert not [span for request in requests for span in request.spans if span.failure is not None]
    median = statistics.median(call.usage.input for call in answers_of(requests))  # type: ignore[union-attr]
    assert median > 2.5 * statistics.median(call.usage.input for call in answers_of(STEADY_REQUESTS))  # type: ignore[union-attr]
    quality = [verdict.score for request in requests for verdict in request.verdicts if verdict.name == "quality"]
    assert statistics.mean(quality) < 0.5
    assert 0.02 < sum(request.duration_s > 30 for request in requests) / len(requests) < 0.3


def test_truth_adds_up() -> None:
    first, second = Truth(frozenset({"openai"})), Truth()
    for index, request in enumerate(STEADY_REQUESTS):
        (first if index % 2 else second).add(request, len(request.spans))
    added = total([first, second])
    calls = list(calls_of(STEADY_REQUESTS))
    assert added.counts["calls"] == len(calls)
    assert added.counts["failed_calls"] == sum(span.failure is not None for span, _ in calls)
    assert added.counts["input_tokens"] == sum(call.usage.input for _, call in calls if call.usage)
    assert added.counts["output_tokens"] == sum(call.usage.output for _, call in calls if call.usage)
    assert added.counts["requests"] == len(STEADY_REQUESTS)
    assert added.errors.total() == added.counts["failed_calls"]
    assert sum(counts["calls"] for counts in added.models.values()) == len(calls)
    assert 0 < added.counts["first_tokens"] < added.counts["streamed_calls"]
    assert set(added.as_dict()) >= {"calls", "input_tokens", "errors", "tools", "agents", "models", "evaluations"}
