"""One span that arrived more than once: retransmitted, or sent again with its results."""

from __future__ import annotations

from typing import Any, Final

from genai_exporter.otlp.convert import MAX_SECONDS
from genai_exporter.trace.span import Span

MAX_SPAN_NS: Final = int(MAX_SECONDS) * 1_000_000_000


def merge(known: Span, again: Span) -> bool:
    """Add to ``known`` what ``again`` knows better. Returns whether that was anything.

    Some exporters send a span twice, first without and then with its results. Which copy comes first must not matter,
    so the choice between two values is one of the values alone: the larger figure, the longer text, failure rather
    than success.
    """
    before = _content(known)
    if again.values is not known.values:
        known.values = _merge_values(known.values, again.values)
    better = max((known.role, known.operation, known.dialect), (again.role, again.operation, again.dialect))
    known.role, known.operation, known.dialect = better
    known.start_ns, known.end_ns = _times(known, again)
    known.status = max(known.status, again.status)
    known.kind = max(known.kind, again.kind)
    known.name = max(known.name, again.name, key=_weight)
    known.parent_id = max(known.parent_id, again.parent_id)
    known.failures = max(known.failures, again.failures, key=_weight)
    known.evaluations = max(known.evaluations, again.evaluations, key=_weight)
    if known.scope.number != again.scope.number:
        known.scope = max(known.scope, again.scope, key=lambda scope: scope.name)
    if known.resource is not again.resource:
        known.resource = max(known.resource, again.resource, key=repr)
    return _content(known) != before


def _times(a: Span, b: Span) -> tuple[int, int]:
    """From the earlier start to the later end; of copies from clocks that lie years apart, the later copy's own."""
    start, end = min(a.start_ns, b.start_ns), max(a.end_ns, b.end_ns)
    if end - start > MAX_SPAN_NS:
        return max((a.start_ns, a.end_ns), (b.start_ns, b.end_ns))
    return start, end


def _content(span: Span) -> tuple[object, ...]:
    return (
        list(span.values), span.role, span.operation, span.start_ns, span.end_ns, span.status, span.kind, span.name,
        span.parent_id, span.failures, span.evaluations, span.scope.number, span.resource.number,
    )  # fmt: skip


def _merge_values(left: Any, right: Any) -> Any:
    if left == right:
        return left
    merged = [
        mine if theirs is None or mine == theirs else theirs if mine is None else max(mine, theirs, key=_weight)
        for mine, theirs in zip(left, right, strict=True)
    ]
    return merged


def _weight(value: Any) -> tuple[float, str]:
    """An order of values of any type: by size where there is one, then by spelling."""
    if value is None:
        return (-1.0, "")
    if isinstance(value, bool | int | float):
        return (float(value), "")
    return (float(len(value)), repr(value))
