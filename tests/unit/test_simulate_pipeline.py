"""What the pipeline makes of simulated traffic is the truth about that traffic, in every dialect and every scenario."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from genai_exporter.pipeline import Pipeline, PipelineSettings
from genai_exporter.records import Call, Evaluation, Feedback, Resource, Role, Settled, Step
from genai_exporter.simulate.conversation import Chatbot
from genai_exporter.simulate.dialects import DIALECTS, Dialect
from genai_exporter.simulate.encode import resource_of
from genai_exporter.simulate.model import Deployment
from genai_exporter.simulate.scenario import SCENARIOS, Scenario
from genai_exporter.simulate.sender import Queued, logs_body, traces_body
from genai_exporter.simulate.truth import Truth

NOW = 1_760_000_000.0
REQUESTS = 60
BATCH = 97  # splits traces anywhere
SETTLE_S = 10.0


class Collector:
    """A recorder that keeps everything."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.steps: list[Step] = []
        self.evaluations: list[Evaluation] = []
        self.feedback: list[Feedback] = []
        self.regenerations = 0

    def first_sight(self, resource: Resource, now: float) -> None: ...

    def tick(self, now: float) -> None: ...

    def record(self, settled: Settled, now: float) -> None:
        self.calls += settled.calls
        self.steps += settled.steps
        self.evaluations += settled.evaluations
        self.feedback += settled.feedback
        self.regenerations += settled.regenerations


def run(dialect: Dialect, scenario: Scenario, *, shuffle: bool) -> tuple[Truth, Collector, Pipeline]:
    """Simulate, send everything, settle."""
    chatbot, truth, collector = Chatbot(17), Truth(dialect.first_token_from), Collector()
    pipeline = Pipeline(PipelineSettings(settle_seconds=SETTLE_S), collector)
    resource = resource_of(Deployment("chat", "1.8.0", "gpt-4o-2024-11-20", "v2.3", "demo", "chat-0"))
    queued, records = [], []
    for _ in range(REQUESTS):
        request = chatbot.next(scenario.behaviour)
        start_ns = round((NOW - request.duration_s) * 1e9)
        spans = dialect.spans(request, start_ns, content=True)
        truth.add(request, len(spans))
        queued += [Queued(resource, span) for span in spans]
        records += dialect.evaluations(request, start_ns) + dialect.feedback(request, round(NOW * 1e9))
    if shuffle:
        Random(1).shuffle(queued)
    for start in range(0, len(queued), BATCH):
        receipt = pipeline.traces(traces_body(queued[start : start + BATCH]), "protobuf", NOW)
        assert receipt.rejected == 0
    if records:
        pipeline.logs(logs_body([(resource, record) for record in records]), "protobuf", NOW)
    pipeline.tick(NOW + SETTLE_S * 2)
    pipeline.drain(NOW + SETTLE_S * 2)
    return truth, collector, pipeline


@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "shuffled"])
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
def test_measured_is_sent(dialect: Dialect, scenario: Scenario, shuffle: bool) -> None:
    """R14, R15, R22, R31, R34, R133."""
    truth, collector, pipeline = run(dialect, scenario, shuffle=shuffle)
    calls, steps = collector.calls, collector.steps
    measured = {
        "calls": len(calls),
        "failed_calls": sum(bool(call.error_type) for call in calls),
        "input_tokens": sum(call.input_tokens or 0 for call in calls),
        "output_tokens": sum(call.output_tokens or 0 for call in calls),
        "cached_input_tokens": sum(call.cache_read_tokens or 0 for call in calls),
        "cache_write_input_tokens": sum(call.cache_write_tokens or 0 for call in calls),
        "reasoning_output_tokens": sum(call.reasoning_tokens or 0 for call in calls),
        "first_tokens": sum(call.ttft_s is not None for call in calls),
        "streamed_calls": sum(call.streaming for call in calls),
        "refusals": sum(call.refusal for call in calls),
        "cache_hits": sum(call.response_cache_hit is True for call in calls),
        "cache_misses": sum(call.response_cache_hit is False for call in calls),
        "regenerations": collector.regenerations,
        "retries": sum(call.retries for call in calls),
        "tool_errors": sum(step.role == Role.TOOL and bool(step.error_type) for step in steps),
    }
    assert measured == {name: truth.counts[name] for name in measured}
    assert Counter(step.name for step in steps if step.role == Role.TOOL) == truth.tools
    assert Counter(step.name for step in steps if step.role == Role.AGENT) == truth.agents
    assert sum(step.role == Role.WORKFLOW for step in steps) == truth.counts["requests"]
    assert Counter(f"{found.name}:{found.result or 'scored'}" for found in collector.evaluations) == truth.evaluations
    assert Counter(found.rating for found in collector.feedback) == truth.feedback
    assert Counter(call.finish_reason for call in calls if not call.error_type and call.finish_reason) == (
        truth.finish_reasons
    )
    errors = {"context_length": "context_length_exceeded"}
    assert Counter(call.error_type for call in calls if call.error_type) == Counter(
        {errors.get(kind, kind): count for kind, count in truth.errors.items()}
    )
    assert {call.segment for call in calls} <= {"free", "pro", "enterprise"}
    assert all(call.flow and call.prompt_version and call.session and call.user for call in calls)
    assert sum(pipeline.stats.spans.values()) == truth.counts["spans"]
