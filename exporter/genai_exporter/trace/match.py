"""Do two spans tell of the same provider call? The evidence that needs no family relation between them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from genai_exporter.dialects import fields as f
from genai_exporter.trace.span import STATUS_ERROR, Span
from genai_exporter.trace.usage import canonical_input, canonical_output

MILLISECOND: Final = 1_000_000
#: How far the inner of two spans may stick out of the outer one: clocks have different resolutions.
TOLERANCE_NS: Final = 1 * MILLISECOND
#: A framework calls the SDK soon after it opens its own span, and an application reads a stream soon after it has it.
#: Without equal figures, only then are two spans one call.
PROMPT_START_NS: Final = 500 * MILLISECOND
#: Chat-like operations are different names for one thing; embeddings and reranking are not.
_APART: Final = frozenset({"embeddings", "rerank"})


#: Shorter response ids (Ollama's have three random digits) repeat by chance and prove nothing on their own.
UNIQUE_ID_LENGTH: Final = 20


def unique(response_id: str) -> bool:
    """Whether a provider's response id is long enough to name one call among all."""
    return len(response_id) >= UNIQUE_ID_LENGTH


def same_class(a: Span, b: Span) -> bool:
    """Both are chat-like, or both are the same other kind of operation."""
    return a.operation == b.operation or (a.operation not in _APART and b.operation not in _APART)


def same_model(a: Span, b: Span) -> bool:
    """A dated snapshot and its alias are the same model; a span that names none fits any."""
    left, right = a.values, b.values
    asked = left[f.REQUEST_MODEL]
    if asked and asked == right[f.REQUEST_MODEL]:
        return True
    return _share_a_model(
        (asked, left[f.RESPONSE_MODEL], left[f.MODEL]),
        (right[f.REQUEST_MODEL], right[f.RESPONSE_MODEL], right[f.MODEL]),
    )


@lru_cache(4096)
def _share_a_model(left: tuple[str | None, ...], right: tuple[str | None, ...]) -> bool:
    mine, theirs = ({name.lower().rpartition("/")[2] for name in names if name} for names in (left, right))
    if not mine or not theirs:
        return True
    return any(x == y or _is_snapshot(x, y) or _is_snapshot(y, x) for x in mine for y in theirs)


def _is_snapshot(snapshot: str, alias: str) -> bool:
    """``gpt-4o-2024-08-06`` of ``gpt-4o``; ``gpt-4o-mini`` is another model."""
    if alias.endswith("-latest"):
        alias = alias[:-7]
    if not snapshot.startswith(alias) or len(snapshot) <= len(alias):
        return False
    rest = snapshot[len(alias) :].lstrip("-@:")
    return rest[:1].isdigit() and sum(character.isdigit() for character in rest) >= 3


def tokens_of(span: Span) -> tuple[int | None, int | None]:
    return canonical_input(span.values, span.scope), canonical_output(span.values, span.scope)


def same_tokens(a: Span, b: Span) -> bool | None:
    """``None`` when one of the two has no figures to compare."""
    left, right = tokens_of(a), tokens_of(b)
    if not any(left) or not any(right):
        return None
    if left[0] != right[0]:
        return False
    if left[1] == right[1]:
        return True
    # OpenLLMetry counts the one token of Anthropic's opening message twice on streams.
    return (
        left[1] is not None
        and right[1] is not None
        and abs(left[1] - right[1]) == 1
        and "anthropic" in (a.scope.name + b.scope.name)
    )


def begin(span: Span) -> int:
    """When the call began that a span tells of, as far as it knows."""
    return stream_start(span) if span.values[f.LOG_SPAN] else span.start_ns


def contained(a: Span, b: Span) -> bool:
    """One of the two lies inside the other in time."""
    return inside(begin(a), a.end_ns, begin(b), b.end_ns)


def inside(start: int, end: int, other_start: int, other_end: int) -> bool:
    """One of two intervals lies inside the other, or sticks out by less than clocks differ and than it is long."""
    slack = min(TOLERANCE_NS, (end - start) // 2, (other_end - other_start) // 2)
    return (start <= other_start + slack and other_end <= end + slack) or (
        other_start <= start + slack and end <= other_end + slack
    )


def overlapping(a: Span, b: Span) -> bool:
    return begin(a) <= b.end_ns + TOLERANCE_NS and begin(b) <= a.end_ns + TOLERANCE_NS


def figure(span: Span) -> int | None:
    """The input tokens that equal spans share; ``None`` when a span has no figures, or none to tell it by."""
    tokens = tokens_of(span)
    return tokens[0] if any(tokens) else None


def distance(a: Span, b: Span) -> int:
    """How far two spans are apart in time, in nanoseconds, at both ends together."""
    return abs(a.start_ns - b.start_ns) + abs(a.end_ns - b.end_ns)


def same_process(a: Span, b: Span) -> bool:
    left, right = a.resource, b.resource
    return left is right or (left.service == right.service and left.instance == right.instance)


def same_context(a: Span, b: Span) -> bool:
    """Spans of one trace, or of two because one of them found no trace to belong to and became a root.

    A span that has a parent in one trace and a span that has a parent in another stem from two requests.
    """
    return a.trace_id == b.trace_id or not a.parent_id or not b.parent_id


def twins(a: Span, b: Span) -> bool:
    """Spans of two instrumentations around one call: other scope, same process, model, figures, and time."""
    if a.scope.number == b.scope.number or not overlapping(a, b) or not same_process(a, b):
        return False
    if not same_class(a, b) or not same_context(a, b) or not same_model(a, b):
        return False
    left, right = a.values[f.RESPONSE_ID], b.values[f.RESPONSE_ID]
    if left and right and (left != right or unique(left)):
        return bool(left == right)
    tokens = same_tokens(a, b)
    if tokens is not None:
        return tokens and contained(a, b)
    if (a.status == STATUS_ERROR) != (b.status == STATUS_ERROR):
        return False
    # Streams often end on one level before the other, so without figures the start decides: one call follows another
    # within a millisecond, so the second of two spans must begin before the first has ended.
    (first, end), (second, _) = sorted(((begin(a), a.end_ns), (begin(b), b.end_ns)))
    return second - first <= PROMPT_START_NS and second <= end


def stream_start(tail: Span) -> int:
    """When the stream began that a zero-length span reports the end of."""
    duration = tail.values[f.DURATION]
    return tail.end_ns - int((duration or 0.0) * 1e9)


def stream_parts(head: Span, tail: Span) -> bool:
    """The request span and the end-of-stream span of one Logfire call."""
    if head.scope.number != tail.scope.number or head.values[f.LOG_SPAN] or not tail.values[f.LOG_SPAN]:
        return False
    if head.status == STATUS_ERROR or not same_process(head, tail):
        return False
    if not same_context(head, tail) or not same_model(head, tail):
        return False
    if head.values[f.OUTPUT] is not None:
        return False
    # The stream begins after the response headers, where the request span ends, and not much later.
    begin = stream_start(tail)
    return head.start_ns <= begin + TOLERANCE_NS and begin - head.end_ns <= PROMPT_START_NS


def seam(part: Span) -> int:
    """When the two parts of a stream meet."""
    return stream_start(part) if part.values[f.LOG_SPAN] else part.end_ns
