"""The spans of one provider call."""

from __future__ import annotations

from typing import Final

from genai_exporter.dialects import fields as f
from genai_exporter.trace.span import STATUS_ERROR, Span

_NO_REASONS: Final[dict[bytes, str]] = {}


class Group:
    """The spans of one provider call: ``spans[0]`` is the one closest to the provider."""

    __slots__ = ("attempt", "reasons", "retries", "spans")

    def __init__(self, span: Span) -> None:
        self.spans: list[Span] = [span]
        self.reasons: dict[bytes, str] = _NO_REASONS  # why a span other than the first is not a call of its own
        self.retries = 0
        self.attempt = False  # other attempts are visible, so a counter on the span would tell of them a second time

    def wrap(self, span: Span, reason: str) -> None:
        if self.reasons is _NO_REASONS:
            self.reasons = {}
        self.spans.append(span)
        self.reasons[span.key] = reason

    def join(self, other: Group, reason: str) -> None:
        for span in other.spans:
            self.wrap(span, other.reasons.get(span.key, reason))
        self.retries = max(self.retries, other.retries)
        self.attempt = self.attempt or other.attempt

    @property
    def outermost(self) -> Span:
        """The span that began first and lasted longest: where the application stands."""
        if len(self.spans) == 1:
            return self.spans[0]
        return min(self.spans, key=lambda span: (span.start_ns, -span.end_ns, span.key))

    @property
    def failed(self) -> bool:
        first = self.spans[0]
        status = first.values[f.HTTP_STATUS]
        return (
            first.status == STATUS_ERROR
            or first.values[f.ERROR_TYPE] is not None
            or (status is not None and status >= 400)
        )

    @property
    def start_ns(self) -> int:
        return min(span.start_ns for span in self.spans)

    def order(self) -> tuple[int, bytes]:
        if len(self.spans) == 1:
            span = self.spans[0]
            return (span.start_ns, span.trace_id + span.span_id)
        return (self.start_ns, self.spans[0].key)
