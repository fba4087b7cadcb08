"""What settled traces amount to: calls, steps, evaluations, and what became of every span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from genai_exporter.dialects import fields as f
from genai_exporter.records import Feedback, Settled
from genai_exporter.trace import match
from genai_exporter.trace.cluster import Group, cluster
from genai_exporter.trace.context import Context, Surroundings
from genai_exporter.trace.evaluate import EvaluationRule, Judged, rating_of, sort_out
from genai_exporter.trace.facts import build_call
from genai_exporter.trace.span import AGENT, CALL, KIND_CLIENT, OTHER, RETRIEVAL, STEP, TOOL, WORKFLOW, Span
from genai_exporter.trace.steps import Steps, build_step, find_steps
from genai_exporter.trace.usage import has_usage

#: How a span that stands for itself is accounted for, by its role.
_RECORDED: Final = {
    OTHER: ("not_genai", ""),
    STEP: ("recorded", "structure"),
    CALL: ("recorded", "call"),
    AGENT: ("recorded", "agent"),
    TOOL: ("recorded", "tool"),
    WORKFLOW: ("recorded", "workflow"),
    RETRIEVAL: ("recorded", "retrieval"),
}
_NO_REASONS: Final[dict[bytes, str]] = {}


class Trace:
    """The spans of one trace so far. ``counted`` holds marks of what a metric has told of already."""

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
        self.counted: set[bytes] = set()
        self.reported = 0  # how many of the spans have been accounted for


class Outcome(msgspec.Struct):
    """What a batch of traces amounts to: ``settled`` for the recorder, ``accounts`` of spans by (result, reason).

    ``ambiguous`` counts what no evidence on the wire could settle, by reason; ``missing_versions`` traces without one
    of the three version ids (R103).
    """

    settled: Settled = msgspec.field(default_factory=lambda: Settled([], [], [], []))
    accounts: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    ambiguous: Counter[str] = msgspec.field(default_factory=Counter)
    missing_versions: Counter[str] = msgspec.field(default_factory=Counter)
    regenerations: int = 0


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


def resolve(traces: list[Trace], rules: Mapping[str, EvaluationRule], claims: Claims, outcome: Outcome) -> None:
    """Settle traces that belong together into ``outcome``. What was counted before is not counted again."""
    groups = cluster([trace.spans for trace in traces])
    if len(traces) == 1:
        trace = traces[0]
        around = Surroundings(trace.spans)
        reasons = _count_alone(trace, groups, around, claims, outcome)
        _count_rest(trace, groups, around, rules, reasons, outcome)
        return
    surroundings = {trace.trace_id: Surroundings(trace.spans) for trace in traces}
    by_id = {trace.trace_id: trace for trace in traces}
    reasons = {}
    for group in groups:
        _count_group(group, by_id, surroundings, claims, outcome, reasons)
    for trace in traces:
        _count_rest(trace, groups, surroundings[trace.trace_id], rules, reasons, outcome)


def _count_alone(
    trace: Trace, groups: list[Group], around: Surroundings, claims: Claims, outcome: Outcome
) -> dict[bytes, str]:
    """Count the groups of a trace on its own. Returns why spans are no calls of their own, by span key."""
    reasons = _NO_REASONS
    counted = trace.counted
    for group in groups:
        spans = group.spans
        first = spans[0]
        if len(spans) == 1 and not counted:
            response_id = first.values[f.RESPONSE_ID]
            if response_id is None or claims.owner(response_id) is None:
                outcome.settled.calls.append(build_call(group, around.of(first)))
                if response_id is not None:
                    claims.claim(response_id, trace.serial)
                continue
        if reasons is _NO_REASONS:
            reasons = {}
        _count_group(group, {trace.trace_id: trace}, {trace.trace_id: around}, claims, outcome, reasons)
    # Marking at the end keeps the quick way open for all groups of a trace that is settled for the first time.
    for group in groups:
        for span in group.spans:
            counted.add(span.span_id)
    return reasons


def _count_group(
    group: Group,
    traces: Mapping[bytes, Trace],
    surroundings: Mapping[bytes, Surroundings],
    claims: Claims,
    outcome: Outcome,
    reasons: dict[bytes, str],
) -> None:
    reasons.update(group.reasons)
    first = group.spans[0]
    before = "late" if any(span.span_id in traces[span.trace_id].counted for span in group.spans) else ""
    if not before:
        for span in group.spans:
            response_id = span.values[f.RESPONSE_ID]
            owner = claims.owner(response_id) if response_id else None
            if owner is not None and all(trace.serial != owner for trace in traces.values()):
                # The call was counted in a trace that is gone by now: a late or repeated report.
                before = "response_id"
    if before:
        reasons.setdefault(first.key, before)
    else:
        outcome.settled.calls.append(build_call(group, _richest(group, surroundings)))
    for span in group.spans:
        trace = traces[span.trace_id]
        response_id = span.values[f.RESPONSE_ID]
        if response_id:
            claims.claim(response_id, trace.serial)
        if len(traces) > 1:
            trace.counted.add(span.span_id)


def _richest(group: Group, surroundings: Mapping[bytes, Surroundings]) -> Context:
    """The outermost span's context; where that stands alone in its trace, one that knows a flow or an agent."""
    outermost = group.outermost
    context = surroundings[outermost.trace_id].of(outermost)
    if context.root_name or context.agent or context.flow or len(group.spans) == 1:
        return context
    others = (surroundings[span.trace_id].of(span) for span in sorted(group.spans, key=lambda span: span.key))
    return next((one for one in others if one.root_name or one.agent or one.flow), context)


def _count_rest(
    trace: Trace,
    groups: list[Group],
    around: Surroundings,
    rules: Mapping[str, EvaluationRule],
    reasons: dict[bytes, str],
    outcome: Outcome,
) -> None:
    """Steps, evaluations and the accounts of one trace."""
    settled = outcome.settled
    counted = trace.counted
    steps = find_steps(trace.spans)
    for span, role, name in steps.kept:
        # A root can be an agent run and the whole pipeline at once: the role is part of the mark.
        mark = span.span_id + bytes((role,))
        if mark not in counted:
            counted.add(mark)
            settled.steps.append(build_step(span, role, name, around.of(span)))
    if groups:
        if not trace.reported:
            _note_versions(trace, outcome)
    else:
        _bill_elsewhere(trace, around, outcome)
    for span in trace.spans.values():
        if span.evaluations is not None or span.values[f.FEEDBACK] is not None:
            mark = span.span_id + b"e"
            if mark not in counted:
                counted.add(mark)
                judged = _judge(span, rules, around.of(span))
                settled.evaluations.extend(judged.evaluations)
                settled.feedback.extend(judged.feedback)
                outcome.regenerations += judged.regenerations
    _account(trace, steps, reasons, outcome.accounts)
    trace.settled = True


def _bill_elsewhere(trace: Trace, around: Surroundings, outcome: Outcome) -> None:
    """Usage on agent or pipeline spans when no model-call span tells of it: billed once, at the lowest such span.

    A remote agent reports what it used and nothing below it. Where model-call spans exist, the same figures on an
    agent are a sum of theirs and are left out.
    """
    billed = [span for span in trace.spans.values() if span.role != OTHER and has_usage(span.values)]
    if not billed:
        return
    above: set[bytes] = set()
    for span in billed:
        parent = trace.spans.get(span.parent_id)
        while parent is not None and parent.span_id not in above:
            above.add(parent.span_id)
            parent = trace.spans.get(parent.parent_id)
    for span in billed:
        if span.span_id not in above and span.span_id not in trace.counted:
            trace.counted.add(span.span_id)
            outcome.ambiguous["usage_without_call" if span.kind != KIND_CLIENT else "remote_agent"] += 1
            outcome.settled.calls.append(build_call(Group(span), around.of(span)))


def _judge(span: Span, rules: Mapping[str, EvaluationRule], context: Context) -> Judged:
    judged = sort_out(span.evaluations or [], rules, span.resource, context, span.trace_id, span.span_id)
    rating = rating_of(span.values[f.FEEDBACK])
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
    return judged


def _account(trace: Trace, steps: Steps, reasons: dict[bytes, str], accounts: Counter[tuple[str, str]]) -> None:
    """Every span gets exactly one result, when it is first settled."""
    spans = list(trace.spans.values())
    if trace.reported:
        spans = spans[trace.reported :]
    trace.reported = len(trace.spans)
    if not reasons and not steps.dropped:
        for span in spans:
            accounts[_RECORDED[span.role]] += 1
        return
    for span in spans:
        reason = reasons.get(span.key)
        if span.role != OTHER and (reason is not None or span.span_id in steps.dropped):
            accounts["duplicate", reason or "nested"] += 1
        else:
            accounts[_RECORDED[span.role]] += 1


def _note_versions(trace: Trace, outcome: Outcome) -> None:
    """R103: every trace should name its prompt, model and application version."""
    prompt = service = model = False
    for span in trace.spans.values():
        resource, values = span.resource, span.values
        prompt = prompt or bool(resource.prompt_version or values[f.PROMPT_VERSION])
        service = service or bool(resource.service_version or values[f.SERVICE_VERSION])
        model = model or bool(
            resource.model_version or values[f.RESPONSE_MODEL] or values[f.MODEL] or values[f.MODEL_VERSION]
        )
        if prompt and service and model:
            return
    for name, found in (("prompt_version", prompt), ("service_version", service), ("model_version", model)):
        if not found:
            outcome.missing_versions[name] += 1
