"""Requests that a user asked to have answered again (R36)."""

from __future__ import annotations

import msgspec

from genai_exporter.records import Call
from genai_exporter.trace.group import Group
from genai_exporter.trace.outcome import Outcome
from genai_exporter.trace.trace import REGENERATED, Trace


def families(traces: list[Trace], groups: list[Group]) -> list[dict[bytes, Trace]]:
    """The traces by id, those together that share a call."""
    found = {trace.trace_id: {trace.trace_id: trace} for trace in traces}
    for group in groups:
        for span in group.spans[1:]:
            left, right = found[group.spans[0].trace_id], found[span.trace_id]
            if left is not right:
                left.update(right)
                found.update(dict.fromkeys(right, left))
    return list({id(family): family for family in found.values()}.values())


def count_regeneration(family: dict[bytes, Trace], asked_again: set[bytes], outcome: Outcome, before: int) -> None:
    """A request that was asked again is one regeneration, however many of its spans and calls say so.

    One call keeps the mark, for the labels it has; the calls are those from position ``before`` on.
    """
    if asked_again.isdisjoint(family):
        return
    calls = outcome.settled.calls
    fresh = [i for i in range(before, len(calls)) if calls[i].trace_id in family]
    told = any(REGENERATED in trace.counted for trace in family.values())
    for trace in family.values():
        trace.counted.add(REGENERATED)
    answer = max(fresh, key=lambda i: (calls[i].regenerated, _end_ns(calls[i]), calls[i].span_id), default=None)
    for i in fresh:
        if calls[i].regenerated or i == answer:
            calls[i] = msgspec.structs.replace(calls[i], regenerated=not told and i == answer)
    outcome.regenerations += not told


def _end_ns(call: Call) -> int:
    return call.start_ns + int(call.duration_s * 1e9)
