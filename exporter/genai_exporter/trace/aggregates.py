"""Usage that only a span above model calls reports: a remote agent, a framework that tells of no single call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from genai_exporter.trace import match
from genai_exporter.trace.context import Surroundings
from genai_exporter.trace.facts import build_call
from genai_exporter.trace.group import Group
from genai_exporter.trace.outcome import Outcome
from genai_exporter.trace.span import AGENT, CALL, KIND_CLIENT, OTHER, Span
from genai_exporter.trace.trace import Trace
from genai_exporter.trace.usage import has_usage

_UNBILLED: Final = frozenset({OTHER, CALL})


def bill_elsewhere(trace: Trace, groups: list[Group], around: Surroundings, outcome: Outcome) -> None:
    """Usage on agent or pipeline spans when no model-call span tells of it: billed once, at the lowest such span.

    A remote agent reports what it used and nothing below it. Where model-call spans exist, the same figures on an
    agent are a sum of theirs and are left out.
    """
    billed = [span for span in trace.spans.values() if span.role not in _UNBILLED and has_usage(span.values)]
    if not billed:
        return
    lowest = _lowest(billed, trace.spans)
    if groups or trace.had_calls:
        if trace.shortened:
            return
        lowest = [span for span in lowest if _is_remote(span, groups)]
    for span in lowest:
        if span.span_id not in trace.counted and not (trace.billed and is_below(span, trace.billed, trace.spans)):
            trace.counted.add(span.span_id)
            trace.billed = (trace.billed or set()) | {span.span_id}
            outcome.ambiguous["usage_without_call" if span.kind != KIND_CLIENT else "remote_agent"] += 1
            outcome.settled.calls.append(build_call(Group(span), around.of(span)))


def _lowest(billed: list[Span], spans: Mapping[bytes, Span]) -> list[Span]:
    """Those that have none of the others below them."""
    above: set[bytes] = set()
    for span in billed:
        parent = spans.get(span.parent_id)
        while parent is not None and parent.span_id not in above and parent is not span:
            above.add(parent.span_id)
            parent = spans.get(parent.parent_id)
    return [span for span in billed if span.span_id not in above]


def _is_remote(span: Span, groups: list[Group]) -> bool:
    """Whether the calls of the trace cannot be what an agent elsewhere used: none of them happened while it ran.

    Those below it did; and frameworks lose the context of a call now and then, so others may be its own, too.
    """
    beside = [call for group in groups for call in group.spans if call.trace_id == span.trace_id]
    return (
        span.role == AGENT
        and span.kind == KIND_CLIENT
        and bool(beside)
        and not any(match.overlapping(call, span) for call in beside)
    )


def is_below(span: Span, tops: set[bytes], spans: Mapping[bytes, Span]) -> bool:
    seen: set[bytes] = set()
    above = spans.get(span.parent_id)
    while above is not None and above.span_id not in seen:
        if above.span_id in tops:
            return True
        seen.add(above.span_id)
        above = spans.get(above.parent_id)
    return False
