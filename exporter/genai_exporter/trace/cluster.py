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

from collections.abc import Iterable, Iterator
from typing import Final

from genai_exporter.dialects import fields as f
from genai_exporter.trace import match
from genai_exporter.trace.span import AGENT, CALL, STATUS_ERROR, TOOL, WORKFLOW, Span
from genai_exporter.trace.usage import has_usage

_BORDERS: Final = frozenset({AGENT, TOOL, WORKFLOW})
_MAX_DEPTH: Final = 256
_NO_REASONS: Final[dict[bytes, str]] = {}


class Group:
    """The spans of one provider call: ``spans[0]`` is the one closest to the provider."""

    __slots__ = ("reasons", "retries", "spans")

    def __init__(self, span: Span) -> None:
        self.spans: list[Span] = [span]
        self.reasons: dict[bytes, str] = _NO_REASONS  # why a span other than the first is not a call of its own
        self.retries = 0

    def wrap(self, span: Span, reason: str) -> None:
        if self.reasons is _NO_REASONS:
            self.reasons = {}
        self.spans.append(span)
        self.reasons[span.key] = reason

    def join(self, other: Group, reason: str) -> None:
        for span in other.spans:
            self.wrap(span, other.reasons.get(span.key, reason))
        self.retries = max(self.retries, other.retries)

    @property
    def outermost(self) -> Span:
        """The span that began first and lasted longest: where the application stands."""
        if len(self.spans) == 1:
            return self.spans[0]
        return min(self.spans, key=lambda span: (span.start_ns, -span.end_ns, span.key))

    @property
    def failed(self) -> bool:
        return self.spans[0].status == STATUS_ERROR

    @property
    def start_ns(self) -> int:
        return min(span.start_ns for span in self.spans)

    @property
    def end_ns(self) -> int:
        return max(span.end_ns for span in self.spans)

    def order(self) -> tuple[int, bytes]:
        return (self.start_ns, self.spans[0].key)


def cluster(traces: Iterable[dict[bytes, Span]]) -> list[Group]:
    """Groups of model-call spans, by start time. ``traces`` are the spans of each trace by span id."""
    groups: list[Group] = []
    for spans in traces:
        groups.extend(_by_family(spans))
    if len(groups) > 1 and (any(len(group.spans) > 1 for group in groups) or _several(groups)):
        groups.sort(key=Group.order)
        groups = _by_twins(_by_stream_parts(_by_response_id(groups)))
    return groups


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
    groups: list[Group] = []
    for span in tops:
        groups.extend(_unwrap(span, below, 0))
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


def _unwrap(span: Span, below: dict[bytes, list[Span]], depth: int) -> list[Group]:
    inner = below.get(span.span_id)
    if not inner or depth > _MAX_DEPTH:
        return [Group(span)]
    groups = [group for child in inner for group in _unwrap(child, below, depth + 1)]
    groups.sort(key=Group.order)
    if len(groups) > 1:
        # Two instrumentations below one framework span are one attempt, not two.
        groups = _by_twins(_by_response_id(groups))
    last = groups[-1]
    last.retries += sum(group.failed for group in groups[:-1])
    # What the wrapper knows and the attempts do not (usage, time to first token) belongs to the one that succeeded.
    last.wrap(span, "wrapper")
    return groups


def _by_response_id(groups: list[Group]) -> list[Group]:
    known: dict[str, Group] = {}
    kept: list[Group] = []
    for group in groups:
        ids = {i for span in group.spans if (i := span.values[f.RESPONSE_ID]) and match.unique(i)}
        same = next((known[i] for i in sorted(ids) if i in known), None)
        if same is not None and not _contradict(same, group):
            same.join(group, "response_id")
        else:
            kept.append(group)
            same = group
        for response_id in ids:
            known.setdefault(response_id, same)
    return kept


def _contradict(a: Group, b: Group) -> bool:
    """One instrumentation tells of two calls with different figures under one id: the id of a stub, not evidence."""
    return any(
        x.scope.number == y.scope.number and match.same_tokens(x, y) is False and not match.overlapping(x, y)
        for x in a.spans
        for y in b.spans
    )


def _by_stream_parts(groups: list[Group]) -> list[Group]:
    tails = [group for group in groups if group.spans[0].values[f.LOG_SPAN]]
    if not tails:
        return groups
    heads = [group for group in groups if not group.spans[0].values[f.LOG_SPAN]]
    taken: set[int] = set()
    left: list[Group] = []
    for tail in tails:
        end = tail.spans[0]
        begin = match.stream_start(end)
        candidates = [
            (abs(begin - head.end_ns), head.key, number)
            for number, group in enumerate(heads)
            if number not in taken
            for head in group.spans
            if match.stream_parts(head, end)
        ]
        if candidates:
            number = min(candidates)[2]
            taken.add(number)
            heads[number].join(tail, "stream_part")
        else:
            left.append(tail)
    return sorted(heads + left, key=Group.order)


def _by_twins(groups: list[Group]) -> list[Group]:
    """Pair off groups without a scope in common, closest start first, until no pair is left."""
    while True:
        groups.sort(key=Group.order)
        pairs = [
            (abs(groups[i].start_ns - groups[j].start_ns), groups[i].order(), groups[j].order(), i, j)
            for i, j in _overlapping(groups)
            if _twin_groups(groups[i], groups[j])
        ]
        if not pairs:
            return groups
        taken: set[int] = set()
        for _, _, _, i, j in sorted(pairs):
            if i in taken or j in taken:
                continue
            taken.update((i, j))
            inner, outer = _inner_first(groups[i], groups[j])
            inner.join(outer, "sibling")
            groups[i], groups[j] = inner, outer
            groups[j].spans = []
        groups = [group for group in groups if group.spans]


def _overlapping(groups: list[Group]) -> Iterator[tuple[int, int]]:
    """Pairs of positions whose groups overlap in time; ``groups`` are in order of start."""
    starts = [group.start_ns for group in groups]
    for i, group in enumerate(groups):
        end = group.end_ns + match.TOLERANCE_NS
        for j in range(i + 1, len(groups)):
            if starts[j] > end:
                break
            yield i, j


def _twin_groups(a: Group, b: Group) -> bool:
    if {s.scope.number for s in a.spans} & {s.scope.number for s in b.spans}:
        return False
    return any(match.twins(x, y) for x in a.spans for y in b.spans)


def _inner_first(a: Group, b: Group) -> tuple[Group, Group]:
    """The group closer to the provider first: it knows the response id, or it is the shorter one."""

    def closeness(group: Group) -> tuple[bool, bool, int, bytes]:
        first = group.spans[0]
        return (
            not any(span.values[f.RESPONSE_ID] for span in group.spans),
            not any(has_usage(span.values) for span in group.spans),
            first.end_ns - first.start_ns,
            first.key,
        )

    return (a, b) if closeness(a) <= closeness(b) else (b, a)
