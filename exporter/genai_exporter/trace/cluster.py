"""Which spans describe the same provider call.

Every provider call is counted exactly once (invariant 1). A call is usually described by several spans: the SDK's own,
an instrumentation's around it, a framework's around that, a gateway's further down. This module sorts the model-call
spans of one trace, or of several that belong together, into groups of which each is one call.

The evidence, strongest first:

1. *family*: a model-call span with a model-call span below it, short of an agent, tool or workflow border, wraps it;
   with several below it, it wraps attempts;
2. *response id*: the provider's id names the call, wherever its spans are;
3. *stream parts*: a request span and the span that reports the end of its stream;
4. *twins*: spans of different instrumentations in one process, for the same model with the same figures, one inside the
   other in time.

The result does not depend on the order in which spans arrived: every choice is made by time, scope and id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from genai_exporter.dialects import fields as f
from genai_exporter.trace import match
from genai_exporter.trace.group import Group
from genai_exporter.trace.span import AGENT, CALL, TOOL, WORKFLOW, Span
from genai_exporter.trace.twins import differ, join_stream_parts, join_twins

_BORDERS: Final = frozenset({AGENT, TOOL, WORKFLOW})
_MAX_DEPTH: Final = 256
_NO_PARTNERS: Final[dict[bytes, bytes]] = {}

__all__ = ["Group", "cluster"]


def cluster(traces: Iterable[dict[bytes, Span]], partners: Mapping[bytes, bytes] = _NO_PARTNERS) -> list[Group]:
    """Groups of model-call spans, by start time. ``traces`` are the spans of each trace by span id.

    ``partners`` holds for spans that were found to tell of one call before the same key of a span.
    """
    groups: list[Group] = []
    for spans in traces:
        groups.extend(_by_family(spans))
    if len(groups) > 1 and (any(len(group.spans) > 1 for group in groups) or _several(groups)):
        groups.sort(key=Group.order)
        groups = _by_response_id(groups)
        if partners:
            groups = _as_before(groups, partners)
        groups = join_twins(join_stream_parts(groups))
    if len(groups) > 1 and any(group.failed for group in groups):
        _count_attempts(groups)
    return groups


def _count_attempts(groups: list[Group]) -> None:
    """A call that follows a failed one of the same model under the same parent tries it again (R23, R106)."""
    before: dict[tuple[bytes, bytes, str], Group] = {}
    for group in sorted(groups, key=Group.order):
        top = group.outermost
        model = group.spans[0].values[f.REQUEST_MODEL]
        if not top.parent_id or not model or (group.attempt and not group.retries):
            continue
        place = (top.trace_id, top.parent_id, model)
        last = before.get(place)
        if last is not None and last.failed and last.spans[0].end_ns <= group.start_ns + match.TOLERANCE_NS:
            group.retries += 1
            group.attempt = True
        before[place] = group


def _as_before(groups: list[Group], partners: Mapping[bytes, bytes]) -> list[Group]:
    """Join what was joined before: a late span finds its place beside the pairs that have been counted."""
    first: dict[bytes, Group] = {}
    kept: list[Group] = []
    for group in groups:
        # A wrapper is where its attempts are, and they may have become more.
        found = (span.key for span in group.spans if group.reasons.get(span.key) != "wrapper")
        call = next((partners[key] for key in found if key in partners), None)
        if call is not None and call in first and not differ(first[call], group):
            first[call].join(group, "sibling")
        else:
            kept.append(group)
            if call is not None:
                first.setdefault(call, group)
    return kept


def _several(groups: list[Group]) -> bool:
    """Whether single spans can tell of one call at all: several instrumentations, a split stream, a repeated id."""
    first = groups[0].spans[0].scope.number
    ids: set[str] = set()
    for group in groups:
        span = group.spans[0]
        response_id = span.values[f.RESPONSE_ID]
        if span.scope.number != first or span.values[f.LOG_SPAN] or response_id in ids:
            return True
        if response_id is not None:
            ids.add(response_id)
    return False


def _by_family(spans: dict[bytes, Span]) -> list[Group]:
    calls = [span for span in spans.values() if span.role == CALL]
    if len(calls) < 2:
        return [Group(span) for span in calls]
    below: dict[bytes, list[Span]] = {}
    tops: list[Span] = []
    for span in calls:
        above = _wrapper(span, spans)
        if above is None:
            tops.append(span)
        else:
            below.setdefault(above.span_id, []).append(span)
    if not below:
        return [Group(span) for span in calls]
    groups = _unwrap(tops, below)
    if below:
        groups.extend(_break_circles(below))
    return groups


def _break_circles(below: dict[bytes, list[Span]]) -> list[Group]:
    """Spans whose parents form a circle are all below each other: the first of them is taken for the top."""
    above = {span.span_id: wrapper for wrapper, inner in below.items() for span in inner}
    lost = sorted((span for inner in below.values() for span in inner), key=lambda span: (span.start_ns, span.key))
    groups: list[Group] = []
    for span in lost:
        siblings = below.get(above[span.span_id])
        if siblings is None:
            continue
        siblings[:] = [one for one in siblings if one is not span]
        if not siblings:
            del below[above[span.span_id]]
        groups.extend(_unwrap([span], below))
    return groups


def _wrapper(span: Span, spans: dict[bytes, Span]) -> Span | None:
    """The nearest model-call span above, short of a border."""
    above = spans.get(span.parent_id)
    for _ in range(_MAX_DEPTH):
        if above is None or above.role in _BORDERS or above is span:
            return None
        if above.role == CALL and match.same_class(span, above):
            return above
        above = spans.get(above.parent_id)
    return None


def _unwrap(tops: list[Span], below: dict[bytes, list[Span]]) -> list[Group]:
    """The calls under each of ``tops``; takes what it has used out of ``below``."""
    # Wrappers before what they wrap, so that walking back meets every span after all that is below it.
    order: list[tuple[Span, list[Span] | None]] = []
    waiting = list(tops)
    while waiting:
        span = waiting.pop()
        inner = below.pop(span.span_id, None)
        order.append((span, inner))
        if inner:
            waiting.extend(inner)
    found: dict[bytes, list[Group]] = {}
    for span, inner in reversed(order):
        if inner is None:
            found[span.span_id] = [Group(span)]
            continue
        groups = [group for child in inner for group in found.pop(child.span_id)]
        groups.sort(key=Group.order)
        if len(groups) > 1:
            # Two instrumentations below one framework span are one attempt, not two.
            groups = join_twins(_by_response_id(groups))
        _wrap_attempts(span, groups)
        found[span.span_id] = groups
    return [group for span in tops for group in found[span.span_id]]


def _wrap_attempts(wrapper: Span, attempts: list[Group]) -> None:
    """What the wrapper knows and the attempts do not (usage, time to first token) belongs to the one that succeeded."""
    answered = next((group for group in reversed(attempts) if not group.failed), attempts[-1])
    answered.retries += sum(group.failed for group in attempts if group is not answered)
    for group in attempts if len(attempts) > 1 else ():
        group.attempt = True
    answered.wrap(wrapper, "wrapper")


def _by_response_id(groups: list[Group]) -> list[Group]:
    """Join groups, which are in order of start, that report the same id of the provider's."""
    holders: dict[str, list[Group]] = {}
    repeated = False
    for group in groups:
        for response_id in {i for span in group.spans if (i := span.values[f.RESPONSE_ID]) and match.unique(i)}:
            known = holders.setdefault(response_id, [])
            known.append(group)
            repeated = repeated or len(known) > 1
    if not repeated:
        return groups
    joined: dict[int, Group] = {}  # by identity of a group, the one that has taken it in

    def holder(group: Group) -> Group:
        while (taker := joined.get(id(group))) is not None:
            group = taker
        return group

    for response_id in sorted(holders):
        same = holders[response_id]
        if len(same) < 2 or _is_constant(response_id, same):
            continue
        first = holder(same[0])
        for group in same[1:]:
            other = holder(group)
            if other is not first:
                first, other = (first, other) if first.order() <= other.order() else (other, first)
                first.join(other, "response_id")
                joined[id(other)] = first
    return [group for group in groups if id(group) not in joined]


def _is_constant(response_id: str, groups: list[Group]) -> bool:
    """One instrumentation tells of several calls with different figures under one id: the id of a stub, no evidence."""
    latest: dict[int, Span] = {}
    spans = [span for group in groups for span in group.spans if span.values[f.RESPONSE_ID] == response_id]
    for span in sorted(spans, key=lambda span: (span.start_ns, span.key)):
        before = latest.get(span.scope.number)
        if before is not None and match.same_tokens(before, span) is False and not match.overlapping(before, span):
            return True
        latest[span.scope.number] = span
    return False
