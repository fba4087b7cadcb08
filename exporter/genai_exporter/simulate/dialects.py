"""The dialects by name: how each turns an abstract request into OTLP spans and log records."""

from __future__ import annotations

from typing import Protocol

import msgspec
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from . import dialect_openinference, dialect_openllmetry, dialect_otel
from .encode import Scoped, Shape, evaluation_record, nanoseconds, spans_of
from .model import Request, Span, Verdict


class ShapeOf(Protocol):
    """How one span looks in a dialect."""

    def __call__(self, request: Request, span: Span, *, content: bool) -> Shape: ...


class Dialect(msgspec.Struct, frozen=True):
    """A dialect; ``first_token_from`` lists the providers whose streams show when their first token came.
    What ``scores_logged`` and ``feedback_logged`` say travels as log records; the rest is on the spans.
    """

    name: str
    shape: ShapeOf
    first_token_from: frozenset[str]
    scores_logged: bool = False
    feedback_logged: bool = False

    def spans(self, request: Request, start_ns: int, *, content: bool) -> list[Scoped]:
        """OTLP spans in the order in which they end, for a request that began at ``start_ns`` in Unix time."""
        scoped: list[Scoped] = []
        for span in request.spans:
            scoped += spans_of(request, span, self.shape(request, span, content=content), start_ns)
        return scoped

    def evaluations(self, request: Request, start_ns: int) -> list[LogRecord]:
        """Log records for the evaluations of a request, stamped just after it ended."""
        if not self.scores_logged:
            return []
        at_ns = nanoseconds(start_ns, request.duration_s + 0.05)
        return [evaluation_record(request, verdict, at_ns) for verdict in request.verdicts]

    def feedback(self, request: Request, at_ns: int) -> list[LogRecord]:
        """Log records for the user's thumb, which comes when the user has read the answer."""
        if not self.feedback_logged or request.liked is None:
            return []
        label = "positive" if request.liked else "negative"
        return [evaluation_record(request, Verdict("user_feedback", float(request.liked), label, ""), at_ns)]


ALL_PROVIDERS = frozenset({"openai", "anthropic", "gcp.gemini"})

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect("otel", dialect_otel.current, ALL_PROVIDERS, scores_logged=True, feedback_logged=True),
        Dialect("otel-1.41", dialect_otel.previous, ALL_PROVIDERS, feedback_logged=True),
        Dialect("openllmetry", dialect_openllmetry.current, frozenset({"openai"})),
        Dialect("openllmetry-0.47", dialect_openllmetry.previous, frozenset({"openai"})),
        # For Anthropic it is the SDK's own span, below the instrumentation's, that knows the first token.
        Dialect("openinference", dialect_openinference.shape, frozenset({"openai", "anthropic"})),
    )
}
DEFAULT = ("otel", "openllmetry", "openinference")
