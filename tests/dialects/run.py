"""Golden pairs through the real pipeline, and what came out, in the words of the golden pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from genai_exporter.dialects.plan import Plan
from genai_exporter.pipeline import Pipeline, PipelineSettings
from genai_exporter.records import Call, Evaluation, Feedback, Resource, Role, Settled, Step

from .build import CALL_DEFAULTS, EPOCH, NS, Golden, WireSpan, request

NOW = EPOCH / NS + 100

ARRIVALS: dict[str, Callable[[Sequence[WireSpan]], list[bytes]]] = {
    "one request": lambda spans: [request(spans)],
    "one request, reversed": lambda spans: [request(spans[::-1])],
    "single spans": lambda spans: [request([span]) for span in spans],
    "single spans, reversed": lambda spans: [request([span]) for span in spans[::-1]],
}


class Spy:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.steps: list[Step] = []
        self.evaluations: list[Evaluation] = []
        self.feedback: list[Feedback] = []

    def first_sight(self, resource: Resource, now: float) -> None:
        pass

    def record(self, settled: Settled, now: float) -> None:
        self.calls += settled.calls
        self.steps += settled.steps
        self.evaluations += settled.evaluations
        self.feedback += settled.feedback

    def tick(self, now: float) -> None:
        pass


def pipeline(spy: Spy, plan: Plan | None = None) -> Pipeline:
    """A pipeline, with other tables than the real ones when ``plan`` is given."""
    made = Pipeline(PipelineSettings(), spy)
    if plan is not None:
        made._normaliser._plan = plan
    return made


def run(bodies: Iterable[bytes], plan: Plan | None = None) -> tuple[Spy, Pipeline]:
    spy = Spy()
    made = pipeline(spy, plan)
    for body in bodies:
        receipt = made.traces(body, "protobuf", NOW)
        assert not receipt.rejected, receipt
        made.tick(NOW)
    for later in (11.0, 72.0):
        made.tick(NOW + later)
    assert made.stats.balance() == 0
    assert made.stats.pending_spans == 0
    return spy, made


def differences(pair: Golden, spy: Spy) -> list[str]:
    """How the outcome contradicts the golden pair; empty when it does not."""
    wrong = _calls(pair, spy.calls)
    for role, names in ((Role.AGENT, pair.agents), (Role.TOOL, pair.tools), (Role.RETRIEVAL, pair.retrievals)):
        got = sorted(_named(step) for step in spy.steps if step.role == role)
        if got != sorted(names):
            wrong.append(f"{role.name.lower()}s: {got}, expected {sorted(names)}")
    workflows = sum(step.role == Role.WORKFLOW for step in spy.steps)
    if workflows != pair.workflows:
        wrong.append(f"workflows: {workflows}, expected {pair.workflows}")
    judged = sorted(((e.name, e.score, e.result) for e in spy.evaluations), key=str)
    if judged != sorted(pair.evaluations, key=str):
        wrong.append(f"evaluations: {judged}, expected {sorted(pair.evaluations, key=str)}")
    if sorted(f.rating for f in spy.feedback) != sorted(pair.feedback):
        wrong.append(f"feedback: {spy.feedback}")
    return wrong


def _named(step: Step) -> str:
    return f"{step.name}:{step.error_type}" if step.error_type else step.name


def _calls(pair: Golden, calls: list[Call]) -> list[str]:
    if len(calls) != len(pair.calls):
        shown = [(c.request_model, c.input_tokens, c.output_tokens, c.error_type) for c in calls]
        return [f"{len(calls)} calls, expected {len(pair.calls)}: {shown}"]
    wrong: list[str] = []
    left = sorted(calls, key=_order)
    for number, expected in enumerate(sorted(pair.calls, key=_expected_order)):
        got = left[number]
        for field, value in expected.items():
            actual = getattr(got, field)
            if not _same(actual, value):
                wrong.append(f"call {number}: {field} is {actual!r}, expected {value!r}")
    return wrong


def _same(actual: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(actual, float):
        return actual == pytest.approx(expected, abs=1e-6)
    return type(actual) is type(expected) and actual == expected


def _order(call: Call) -> tuple[Any, ...]:
    return _key(call.request_model, call.input_tokens, call.output_tokens, call.error_type)


def _expected_order(call: Any) -> tuple[Any, ...]:
    return _key(call["request_model"], call["input_tokens"], call["output_tokens"], call["error_type"])


def _key(model: str, input_tokens: int | None, output_tokens: int | None, error: str) -> tuple[Any, ...]:
    return (model, input_tokens or 0, output_tokens or 0, error)


__all__ = ["ARRIVALS", "CALL_DEFAULTS", "NOW", "Spy", "differences", "pipeline", "run"]
