"""A trace in assembly: its spans so far, and what has been told of them already."""

from __future__ import annotations

from genai_exporter.trace.span import WORKFLOW, Span

#: What a span id is marked with in ``Trace.counted`` beside being counted as a call.
MEMBER = b"m"  # tells of a call that is counted under another span
EVALUATED = b"e"
REGENERATED = b"regenerated"


class Trace:
    """The spans of one trace so far. ``counted`` holds marks of what a metric has told of already."""

    __slots__ = (
        "billed",
        "counted",
        "expiry",
        "had_calls",
        "last_seen",
        "linked",
        "open_streams",
        "opened",
        "partners",
        "past",
        "reported",
        "serial",
        "settled",
        "shortened",
        "spans",
        "ticket",
        "trace_id",
    )

    def __init__(self, trace_id: bytes, serial: int, now: float) -> None:
        self.trace_id = trace_id
        self.serial = serial  # two visits of one trace id are two traces here, with two serial numbers
        self.spans: dict[bytes, Span] = {}
        self.opened = now  # when the first span came, or the first after the trace was settled
        self.last_seen = now
        self.expiry = 0.0
        self.ticket = 0  # the number of its place in the queue
        self.open_streams = 0  # request spans whose end-of-stream span has not come
        self.settled = False
        self.shortened = False
        self.had_calls = False  # model-call spans are here, or were
        self.past: set[bytes] | None = None  # ids of spans of an earlier visit, which has been counted and forgotten
        self.linked: dict[bytes, None] | None = None  # ids of traces that tell of the same calls
        self.partners: dict[bytes, bytes] | None = None  # of spans found to tell of one call, by key
        self.billed: set[bytes] | None = None  # spans above calls whose usage was counted in place of theirs
        self.counted: set[bytes] = set()
        self.reported = 0  # how many of the spans have been accounted for

    def told(self, span: Span) -> bool:
        """Whether a call was counted under this span, or under another that tells of the same."""
        return span.span_id in self.counted or span.span_id + MEMBER in self.counted

    def forget(self, span: Span) -> None:
        """Drop what is remembered of a span that has left the trace."""
        mark = span.span_id
        self.counted -= {mark, mark + MEMBER, mark + EVALUATED, mark + bytes((span.role,)), mark + bytes((WORKFLOW,))}
        if self.partners is not None:
            self.partners.pop(span.key, None)
