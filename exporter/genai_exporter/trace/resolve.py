"""What settled traces amount to: calls, steps, evaluations, and what became of every span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from genai_exporter.dialects import fields as f
from genai_exporter.records import Call, Evaluation, Feedback, Role, Settled, Step
from genai_exporter.trace import match
from genai_exporter.trace.cluster import Group, cluster
from genai_exporter.trace.context import EMPTY, Context, contexts
from genai_exporter.trace.evaluate import EvaluationRule, Judged, rating_of, sort_out
from genai_exporter.trace.facts import build_call
from genai_exporter.trace.span import KIND_CLIENT, Span
from genai_exporter.trace.steps import Steps, build_step, find_steps
from genai_exporter.trace.usage import has_usage

_ROLE_REASON: Final = {
    Role.STEP: "structure",
    Role.AGENT: "agent",
    Role.TOOL: "tool",
    Role.WORKFLOW: "workflow",
    Role.RETRIEVAL: "retrieval",
    Role.CALL: "call",
}


class Trace:
    """The spans of one trace so far. ``counted`` holds the ids of spans that a metric has told of already."""

    __slots__ = (
        "counted",
        "expiry",
        "last_seen",
        "linked",
        "open_streams",
        "reported",
        "serial",
        "settled",
        "spans",
        "trace_id",
    )

    def __init__(self, trace_id: bytes, serial: int, now: float) -> None:
        self.trace_id = trace_id
        self.serial = serial  # two visits of one trace id are two traces here, with two serial numbers
        self.spans: dict[bytes, Span] = {}
        self.last_seen = now
        self.expiry = 0.0
        self.open_streams = 0  # request spans whose end-of-stream span has not come
        self.settled = False
        self.linked: set[bytes] | None = None  # ids of traces that tell of the same calls
        self.counted: set[bytes] | None = None
        self.reported = 0  # how many of the spans have been accounted for


class Outcome(msgspec.Struct):
    """``settled`` for the recorder; ``accounts`` counts spans by (result, reason); the rest are notes for operators."""

    settled: Settled
    accounts: Counter[tuple[str, str]]
    ambiguous: Counter[str]
    without_usage: int = 0
    missing_versions: Counter[str] = msgspec.field(default_factory=Counter)


class Claims:
    """Provider response ids that calls have been counted under, also of traces long gone. Bounded."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._owner: dict[str, int] = {}

    def owner(self, response_id: str) -> int | None:
        """Serial number of the trace that the id was counted in."""
        return self._owner.get(response_id)

    def claim(self, response_id: str, serial: int) -> None:
        if response_id in self._owner or not match.unique(response_id):
            return
        if len(self._owner) >= self._capacity:
            # Dictionaries keep insertion order: the oldest id goes first.
            self._owner.pop(next(iter(self._owner)))
        self._owner[response_id] = serial


def resolve(traces: list[Trace], rules: Mapping[str, EvaluationRule], claims: Claims) -> Outcome:
    """Settle traces that belong together. Spans counted before stay counted, and are not counted again."""
    settled = Settled([], [], [], [])
    outcome = Outcome(settled, Counter(), Counter())
    regenerations = 0
    surroundings = {trace.trace_id: contexts(trace.spans) for trace in traces}
    reasons: dict[bytes, str] = {}
    groups = cluster([trace.spans for trace in traces])
    by_id = {trace.trace_id: trace for trace in traces}
    called: set[bytes] = set()
    for group in groups:
        _count_group(group, by_id, surroundings, claims, outcome, reasons)
        called.update(span.trace_id for span in group.spans)
    for trace in traces:
        known = surroundings[trace.trace_id]
        counted = trace.counted = trace.counted if trace.counted is not None else set()
        steps = find_steps(trace.spans)
        _count_steps(trace, steps, known, counted, settled.steps)
        if not groups:
            settled.calls.extend(_billed_elsewhere(trace, known, counted, outcome))
        for span in trace.spans.values():
            judged = _judge(span, rules, known.get(span.span_id, EMPTY), counted)
            if judged is not None:
                settled.evaluations.extend(judged.evaluations)
                settled.feedback.extend(judged.feedback)
                regenerations += judged.regenerations
        if trace.trace_id in called and not trace.reported:
            _note_versions(trace, known, outcome)
        _account(trace, steps, reasons, outcome)
        trace.settled = True
    if regenerations:
        outcome.settled = msgspec.structs.replace(settled, regenerations=regenerations)
    return outcome


def _count_group(
    group: Group,
    traces: Mapping[bytes, Trace],
    surroundings: Mapping[bytes, dict[bytes, Context]],
    claims: Claims,
    outcome: Outcome,
    reasons: dict[bytes, str],
) -> None:
    reasons.update(group.reasons)
    before = False
    for span in group.spans:
        counted = traces[span.trace_id].counted
        if counted and span.span_id in counted:
            before = True
    first = group.spans[0]
    call: Call | None = None
    if not before:
        outermost = min(group.spans, key=lambda span: (span.start_ns, -span.end_ns, span.key))
        context = _richest(group, surroundings, outermost)
        call = build_call(group, context)
        owner = claims.owner(call.response_id) if call.response_id else None
        if owner is not None and all(trace.serial != owner for trace in traces.values()):
            # The call was counted in a trace that is gone by now: a late or repeated report.
            before = True
            reasons[first.key] = "response_id"
    for span in group.spans:
        trace = traces[span.trace_id]
        if trace.counted is None:
            trace.counted = set()
        trace.counted.add(span.span_id)
        response_id = span.values[f.RESPONSE_ID]
        if response_id:
            claims.claim(response_id, trace.serial)
    if before:
        reasons.setdefault(first.key, "late")
        return
    assert call is not None
    outcome.settled.calls.append(call)
    if call.input_tokens is None and call.output_tokens is None and not call.error_type:
        outcome.without_usage += 1


def _richest(group: Group, surroundings: Mapping[bytes, dict[bytes, Context]], outermost: Span) -> Context:
    """The outermost span's context; where that stands alone in its trace, the one that knows a flow or an agent."""
    context = surroundings[outermost.trace_id].get(outermost.span_id, EMPTY)
    if context.root_name or context.agent or context.flow or len(group.spans) == 1:
        return context
    others = sorted(group.spans, key=lambda span: span.key)
    found = [surroundings[span.trace_id].get(span.span_id, EMPTY) for span in others]
    return next((one for one in found if one.root_name or one.agent or one.flow), context)


def _count_steps(
    trace: Trace, steps: Steps, known: dict[bytes, Context], counted: set[bytes], found: list[Step]
) -> None:
    for span, role, name in steps.kept:
        # A root can be an agent run and the whole pipeline at once: the role is part of the mark.
        mark = span.span_id + bytes((role,))
        if mark not in counted:
            counted.add(mark)
            found.append(build_step(span, role, name, known.get(span.span_id)))


def _billed_elsewhere(trace: Trace, known: dict[bytes, Context], counted: set[bytes], outcome: Outcome) -> list[Call]:
    """Usage on agent or pipeline spans when no model-call span tells of it: billed once, at the lowest such span.

    A remote agent reports what it used and nothing below it. Where model-call spans exist, the same figures on an
    agent are a sum of theirs and are left out.
    """
    billed = [span for span in trace.spans.values() if span.role != Role.OTHER and has_usage(span.values)]
    if not billed:
        return []
    above: set[bytes] = set()
    for span in billed:
        parent = trace.spans.get(span.parent_id)
        while parent is not None and parent.span_id not in above:
            above.add(parent.span_id)
            parent = trace.spans.get(parent.parent_id)
    calls = []
    for span in billed:
        if span.span_id in above or span.span_id in counted:
            continue
        counted.add(span.span_id)
        outcome.ambiguous["usage_without_call" if span.kind != KIND_CLIENT else "remote_agent"] += 1
        calls.append(build_call(Group(span), known.get(span.span_id, EMPTY)))
    return calls


def _judge(span: Span, rules: Mapping[str, EvaluationRule], context: Context, counted: set[bytes]) -> Judged | None:
    values = span.values
    feedback = values[f.FEEDBACK]
    regenerated = values[f.REGENERATED]
    if span.evaluations is None and feedback is None and not regenerated:
        return None
    mark = span.span_id + b"e"
    if mark in counted:
        return None
    counted.add(mark)
    judged = sort_out(span.evaluations or [], rules, span.resource, context, span.trace_id, span.span_id)
    rating = rating_of(feedback)
    if rating:
        judged.feedback.append(
            Feedback(
                rating=rating,
                service=span.resource.service,
                environment=context.environment or span.resource.environment,
                flow=context.flow_name(span.resource.flow),
                segment=context.segment or span.resource.segment,
                prompt_name=context.prompt_name or span.resource.prompt_name,
                prompt_version=context.prompt_version or span.resource.prompt_version,
                trace_id=span.trace_id,
                span_id=span.span_id,
            )
        )
    judged.regenerations += bool(regenerated)
    return judged


def _account(trace: Trace, steps: Steps, reasons: dict[bytes, str], outcome: Outcome) -> None:
    """Every span gets exactly one result, when it is first settled."""
    fresh = list(trace.spans.values())[trace.reported :]
    trace.reported = len(trace.spans)
    for span in fresh:
        if span.role == Role.OTHER:
            outcome.accounts["not_genai", ""] += 1
            continue
        reason = reasons.get(span.key)
        if reason is not None:
            outcome.accounts["duplicate", reason] += 1
        elif span.span_id in steps.dropped:
            outcome.accounts["duplicate", "nested"] += 1
        else:
            outcome.accounts["recorded", _ROLE_REASON[Role(span.role)]] += 1


def _note_versions(trace: Trace, known: dict[bytes, Context], outcome: Outcome) -> None:
    """R103: every trace should name its prompt, model and application version."""
    spans = trace.spans.values()
    resources = [span.resource for span in spans]
    if not any(c.prompt_version for c in known.values()) and not any(r.prompt_version for r in resources):
        outcome.missing_versions["prompt_version"] += 1
    if not any(c.service_version for c in known.values()) and not any(r.service_version for r in resources):
        outcome.missing_versions["service_version"] += 1
    if not (
        any(c.model_version for c in known.values())
        or any(r.model_version for r in resources)
        or any(span.values[f.RESPONSE_MODEL] or span.values[f.MODEL] for span in spans)
    ):
        outcome.missing_versions["model_version"] += 1


__all__ = ["Call", "Claims", "Evaluation", "Outcome", "Step", "Trace", "resolve"]
