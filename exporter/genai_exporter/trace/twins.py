"""Pairing off spans of different instrumentations that tell of one call, and the two parts of a stream."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from genai_exporter.dialects import fields as f
from genai_exporter.trace import match
from genai_exporter.trace.group import Group
from genai_exporter.trace.pairing import Candidate, pair_off
from genai_exporter.trace.span import Span
from genai_exporter.trace.usage import has_usage

#: Up to this many possible pairs are compared one by one; beyond, only those that are close in time.
_FEW_PAIRS: Final = 400
#: How many spans before and after one in time are compared with it.
_NEAREST: Final = 24
_MAX_ROUNDS: Final = 16


def join_twins(groups: list[Group]) -> list[Group]:
    """Join groups of different instrumentations that tell of one call, one to one. In order of start."""
    kinds: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        spans = group.spans
        kind = (spans[0].scope.name,) if len(spans) == 1 else tuple(sorted({span.scope.name for span in spans}))
        kinds.setdefault(kind, []).append(group)
    if len(kinds) == 1:
        return groups
    # One instrumentation after the other: within one, every group is a call of its own.
    pool: list[Group] = []
    for kind in sorted(kinds):
        pool = _join_kind(pool, kinds[kind]) if pool else kinds[kind]
    pool.sort(key=Group.order)
    return pool


def _join_kind(pool: list[Group], newcomers: list[Group]) -> list[Group]:
    pool = sorted(pool, key=Group.order)
    newcomers = sorted(newcomers, key=Group.order)
    done: list[Group] = []
    # Where very many are alike, only the nearest are compared; those that lost them all to others get another round.
    for _ in range(_MAX_ROUNDS):
        pairs = pair_off(list(_twin_candidates(pool, newcomers)))
        if not pairs:
            break
        for right, left in pairs.items():
            inner, outer = _inner_first(pool[left], newcomers[right])
            inner.join(outer, "sibling")
            done.append(inner)
        taken = set(pairs.values())
        pool = [group for number, group in enumerate(pool) if number not in taken]
        newcomers = [group for number, group in enumerate(newcomers) if number not in pairs]
        if not pool or not newcomers:
            break
    return done + pool + newcomers


def _twin_candidates(pool: list[Group], newcomers: list[Group]) -> Iterator[Candidate]:
    if len(pool) * len(newcomers) <= _FEW_PAIRS:
        for left, a in enumerate(pool):
            for right, b in enumerate(newcomers):
                cost = _twin_cost(a, b)
                if cost is not None:
                    yield Candidate(cost, left, right)
        return
    everything = _Timeline()
    by_tokens: dict[int | None, _Timeline] = {}
    for left, group in enumerate(pool):
        for span in group.spans:
            tokens = match.figure(span)
            everything.add(span, left)
            if tokens not in by_tokens:
                by_tokens[tokens] = _Timeline()
            by_tokens[tokens].add(span, left)
    for right, group in enumerate(newcomers):
        near: set[int] = set()
        for span in group.spans:
            tokens = match.figure(span)
            for timeline in (everything,) if tokens is None else (by_tokens.get(tokens), by_tokens.get(None)):
                if timeline is not None:
                    near.update(timeline.nearest(span))
        for left in near:
            cost = _twin_cost(pool[left], group)
            if cost is not None:
                yield Candidate(cost, left, right)


class _Timeline:
    """Positions of groups by when their spans start and by when they end.

    Calls that wait for a free connection all start at once in the framework, and only their ends tell them apart.
    """

    def __init__(self) -> None:
        self._starts: list[tuple[int, int]] = []
        self._ends: list[tuple[int, int]] = []
        self._sorted = False

    def add(self, span: Span, position: int) -> None:
        self._starts.append((span.start_ns, position))
        self._ends.append((span.end_ns, position))

    def nearest(self, span: Span) -> Iterator[int]:
        if not self._sorted:
            self._starts.sort()
            self._ends.sort()
            self._sorted = True
        for entries, moment in ((self._starts, span.start_ns), (self._ends, span.end_ns)):
            middle = bisect_left(entries, (moment,))
            for _, position in entries[max(0, middle - _NEAREST) : middle + _NEAREST]:
                yield position


def _twin_cost(a: Group, b: Group) -> int | None:
    """How far apart in time two groups are that tell of one call; ``None`` when they tell of two."""
    left, right = a.spans, b.spans
    if len(left) == 1 and len(right) == 1:
        return match.distance(left[0], right[0]) if match.twins(left[0], right[0]) else None
    if {span.scope.number for span in left} & {span.scope.number for span in right}:
        return None
    pairs = [(x, y) for x in left for y in right]
    cost = min((match.distance(x, y) for x, y in pairs if match.twins(x, y)), default=None)
    if cost is None:
        return None
    # A span without figures fits many; the others of its group say which call it is, and how long that took.
    if differ(a, b):
        return None
    known = [(x, y) for x, y in pairs if match.same_tokens(x, y)]
    if known and not any(match.contained(x, y) for x, y in known) and not _contained(a, b):
        return None
    return cost


def differ(a: Group, b: Group) -> bool:
    """The figures of two groups say that they are two calls."""
    found = {match.same_tokens(x, y) for x in a.spans for y in b.spans}
    return False in found and True not in found


def _was_mistaken(head: Group, tail: Group) -> bool:
    """The head was counted together with another call before its own end of stream came."""
    return "sibling" in head.reasons.values() and differ(head, tail)


def _contained(a: Group, b: Group) -> bool:
    end, other_end = (max(span.end_ns for span in group.spans) for group in (a, b))
    return match.inside(a.start_ns, end, b.start_ns, other_end)


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


def join_stream_parts(groups: list[Group]) -> list[Group]:
    """Join the spans that report the end of a stream to those of its request. In order of start."""
    tails: list[Group] = []
    ends_of_tails: list[Span] = []
    heads: list[Group] = []
    for group in groups:
        end = next((span for span in group.spans if span.values[f.LOG_SPAN]), None)
        if end is None or any(match.stream_parts(span, end) for span in group.spans):
            heads.append(group)
        else:
            tails.append(group)
            ends_of_tails.append(end)
    if not tails:
        return groups
    ends = sorted(
        (
            (span.end_ns, left, span)
            for left, group in enumerate(heads)
            if not any(span.values[f.LOG_SPAN] for span in group.spans)
            for span in group.spans
        ),
        key=lambda entry: entry[:2],
    )
    candidates: list[Candidate] = []
    for right, (group, tail) in enumerate(zip(tails, ends_of_tails, strict=True)):
        begin = match.stream_start(tail)
        middle = bisect_left(ends, (begin,))
        for headers_ns, left, head in ends[max(0, middle - _NEAREST) : middle + _NEAREST]:
            if match.stream_parts(head, tail) and not _was_mistaken(heads[left], group):
                candidates.append(Candidate(abs(begin - headers_ns), left, right))
    pairs = pair_off(candidates)
    for right, left in sorted(pairs.items()):
        heads[left].join(tails[right], "stream_part")
    left_over = [tail for right, tail in enumerate(tails) if right not in pairs]
    return sorted(heads + left_over, key=Group.order)
