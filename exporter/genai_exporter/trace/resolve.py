"""What settled traces amount to: calls, steps, evaluations, and what became of every span."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from genai_exporter.dialects import fields as f
from genai_exporter.records import Feedback
from genai_exporter.trace import match
from genai_exporter.trace.aggregates import bill_elsewhere, is_below
from genai_exporter.trace.asked_again import count_regeneration, families
from genai_exporter.trace.claims import Claims
from genai_exporter.trace.cluster import cluster
from genai_exporter.trace.context import Context, Surroundings, agent_name, text_of, tool_name, workflow_name
from genai_exporter.trace.evaluate import EvaluationRule, Judged, rating_of, sort_out
from genai_exporter.trace.facts import build_call
from genai_exporter.trace.group import Group
from genai_exporter.trace.outcome import Outcome, account, note_versions
from genai_exporter.trace.span import AGENT, RETRIEVAL, TOOL, WORKFLOW, Span
from genai_exporter.trace.steps import Steps, build_step, find_steps
from genai_exporter.trace.trace import EVALUATED, MEMBER, Trace
from genai_exporter.trace.usage import has_usage

_STEP_NAMES: Final[dict[int, Callable[[Span], str]]] = {
    AGENT: agent_name,
    TOOL: tool_name,
    WORKFLOW: workflow_name,
    RETRIEVAL: lambda span: text_of(span.name),
}
_NO_REASONS: Final[dict[bytes, str]] = {}
_NO_PARTNERS: Final[dict[bytes, bytes]] = {}


def resolve(traces: list[Trace], rules: Mapping[str, EvaluationRule], claims: Claims, outcome: Outcome) -> None:
    """Settle traces that belong together into ``outcome``. What was counted before is not counted again."""
    before = len(outcome.settled.calls)
    asked_again: set[bytes] = set()
    if len(traces) == 1:
        trace = traces[0]
        groups = cluster([trace.spans], trace.partners or _NO_PARTNERS)
        around = Surroundings(trace.spans)
        reasons = _count_alone(trace, groups, around, claims, outcome)
        if _count_rest(trace, groups, around, rules, reasons, outcome):
            asked_again.add(trace.trace_id)
    else:
        partners: dict[bytes, bytes] = {}
        for trace in traces:
            partners.update(trace.partners or _NO_PARTNERS)
        groups = cluster([trace.spans for trace in traces], partners)
        surroundings = {trace.trace_id: Surroundings(trace.spans) for trace in traces}
        by_id = {trace.trace_id: trace for trace in traces}
        reasons = {}
        for group in groups:
            _count_group(group, by_id, surroundings, claims, outcome, reasons)
        for trace in traces:
            if _count_rest(trace, groups, surroundings[trace.trace_id], rules, reasons, outcome):
                asked_again.add(trace.trace_id)
    if asked_again:
        for family in families(traces, groups):
            count_regeneration(family, asked_again, outcome, before)


def _count_alone(
    trace: Trace, groups: list[Group], around: Surroundings, claims: Claims, outcome: Outcome
) -> dict[bytes, str]:
    """Count the groups of a trace on its own. Returns why spans are no calls of their own, by span key."""
    reasons = _NO_REASONS
    counted = trace.counted
    untold = not counted
    for group in groups:
        spans = group.spans
        first = spans[0]
        if untold and len(spans) == 1:
            response_id = first.values[f.RESPONSE_ID]
            if response_id is None or response_id not in claims:
                outcome.settled.calls.append(build_call(group, around.of(first)))
                counted.add(first.span_id)
                if response_id is not None:
                    claims.claim(first, trace.serial)
                continue
        if reasons is _NO_REASONS:
            reasons = {}
        _count_group(group, {trace.trace_id: trace}, {trace.trace_id: around}, claims, outcome, reasons)
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
    before = _told_before(group, traces, claims, outcome)
    if before:
        reasons.setdefault(first.key, before)
    else:
        outcome.settled.calls.append(build_call(group, _richest(group, surroundings)))
        traces[first.trace_id].counted.add(first.span_id)
    for span in group.spans:
        trace = traces[span.trace_id]
        if span.span_id not in trace.counted:
            trace.counted.add(span.span_id + MEMBER)
        if span.values[f.RESPONSE_ID]:
            claims.claim(span, trace.serial)
        if len(group.spans) > 1:
            if trace.partners is None:
                trace.partners = {}
            trace.partners.setdefault(span.key, first.key)


def _told_before(group: Group, traces: Mapping[bytes, Trace], claims: Claims, outcome: Outcome) -> str:
    """Why the call of a group is not to be counted, ``""`` when it is."""
    heads: list[Span] = []
    members = False
    here = {span.key for span in group.spans}
    for span in group.spans:
        trace = traces[span.trace_id]
        if span.span_id in trace.counted:
            heads.append(span)
        elif span.span_id + MEMBER in trace.counted:
            head = (trace.partners or _NO_PARTNERS).get(span.key)
            other = None if head is None else _find(head, traces)
            # What it was counted with may be a call of its own by now: an attempt that others have joined.
            if other is None:
                members = True
            elif other.key not in here and has_usage(span.values) and not has_usage(other.values):
                members = True  # the answer was taken for that of the attempt that was there
                outcome.ambiguous["late_call"] += 1
    if heads or members:
        if heads:
            _note_late_evidence(group, heads, traces, outcome)
        return "late"
    if any(span.values[f.RESPONSE_ID] and claims.taken(span, traces) for span in group.spans):
        return "response_id"
    for span in group.spans:
        trace = traces[span.trace_id]
        if trace.billed is not None and is_below(span, trace.billed, trace.spans):
            outcome.ambiguous["late_call"] += 1
            return "late"
    return ""


def _note_late_evidence(group: Group, heads: list[Span], traces: Mapping[bytes, Trace], outcome: Outcome) -> None:
    """What a counter has told cannot be taken back: say where late spans show that it was wrong."""
    if len(heads) > 1:
        outcome.ambiguous["counted_twice"] += len(heads) - 1
        for span in sorted(heads, key=lambda span: (span.start_ns, span.key))[1:]:
            counted = traces[span.trace_id].counted
            counted.remove(span.span_id)
            counted.add(span.span_id + MEMBER)
    told = {span.key for span in heads}
    told |= {span.key for span in group.spans if span.span_id + MEMBER in traces[span.trace_id].counted}
    with_usage = {span.key for span in group.spans if has_usage(span.values)}
    if with_usage and not with_usage & told:
        outcome.ambiguous["late_usage"] += 1


def _find(key: bytes, traces: Mapping[bytes, Trace]) -> Span | None:
    trace = traces.get(key[:-8])
    return trace.spans.get(key[-8:]) if trace is not None else None


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
) -> int:
    """Steps, evaluations and the accounts of one trace. Returns how often it says that it was asked again."""
    settled = outcome.settled
    counted = trace.counted
    steps = find_steps(trace.spans)
    if trace.reported and steps.dropped:
        _mark_told_steps(trace, steps)
    asked_again = 0
    for span, role, name in steps.kept:
        # A root can be an agent run and the whole pipeline at once: the role is part of the mark.
        mark = span.span_id + bytes((role,))
        if mark not in counted:
            counted.add(mark)
            settled.steps.append(build_step(span, role, name, around.of(span)))
    if groups and not trace.reported:
        note_versions(trace, outcome)
    bill_elsewhere(trace, groups, around, outcome)
    for span in trace.spans.values():
        if span.values[f.REGENERATED] is True:
            asked_again += 1
        if span.evaluations is not None or span.values[f.FEEDBACK] is not None:
            mark = span.span_id + EVALUATED
            if mark not in counted:
                counted.add(mark)
                judged = _judge(span, rules, around.of(span))
                settled.evaluations.extend(judged.evaluations)
                settled.feedback.extend(judged.feedback)
                asked_again += judged.regenerations
    account(trace, steps.dropped, reasons, outcome.accounts)
    return asked_again


def _mark_told_steps(trace: Trace, steps: Steps) -> None:
    """A run that was counted under a span which a late one now repeats is not counted under that one, too."""
    counted, spans = trace.counted, trace.spans
    kept = {(span.span_id, role): (span, name) for span, role, name in steps.kept}
    for span_id in steps.dropped:
        span = spans[span_id]
        mark = bytes((span.role,))
        if span_id + mark not in counted:
            continue
        above = _run_above(span, spans, steps)
        if above is None:
            name = _STEP_NAMES[span.role](span)
            for (_, role), (other, other_name) in kept.items():
                if role == span.role and other_name == name and match.contained(other, span):
                    counted.add(other.span_id + mark)
        else:
            counted.add(above.span_id + mark)


def _run_above(span: Span, spans: Mapping[bytes, Span], steps: Steps) -> Span | None:
    """The nearest span above with the same role that stands for itself."""
    seen = {span.span_id}
    above = spans.get(span.parent_id)
    while above is not None and above.span_id not in seen:
        if above.role == span.role and above.span_id not in steps.dropped:
            return above
        seen.add(above.span_id)
        above = spans.get(above.parent_id)
    return None


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
