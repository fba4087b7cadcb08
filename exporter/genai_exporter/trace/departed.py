"""What is remembered of traces that have been counted and forgotten: that they were, and which spans they had."""

from __future__ import annotations

from typing import Final

from genai_exporter.trace.span import OTHER
from genai_exporter.trace.trace import Trace

_ID: Final = 8
_IDS_PER_TRACE: Final = 16  # on average; a trace may have more where others have fewer


class Departed:
    """Ids of traces and of their GenAI spans, for a request that a sender repeats after minutes. Bounded.

    Each takes a few bytes, so many more traces fit in here than in memory as a whole.
    """

    def __init__(self, capacity: int) -> None:
        self._max_traces = capacity
        self._max_bytes = capacity * _IDS_PER_TRACE * _ID
        self._bytes = 0
        self._traces: dict[bytes, bytes] = {}  # whether it had model calls, then span ids

    def __len__(self) -> int:
        return len(self._traces)

    def add(self, trace: Trace) -> None:
        ids = {mark[:_ID] for mark in trace.counted if len(mark) <= _ID + 1}
        if not ids and not trace.had_calls and not trace.past:
            return
        ids.update(span.span_id for span in trace.spans.values() if span.role != OTHER)
        ids.update(trace.past or ())
        self._bytes -= len(self._traces.pop(trace.trace_id, b""))
        content = self._traces[trace.trace_id] = bytes((trace.had_calls,)) + b"".join(ids)
        self._bytes += len(content)
        while len(self._traces) > self._max_traces or self._bytes > self._max_bytes:
            # Dictionaries keep insertion order: the trace that left first goes first.
            self._bytes -= len(self._traces.pop(next(iter(self._traces))))

    def revive(self, trace: Trace) -> None:
        """Tell a trace that has just been opened of an earlier visit."""
        content = self._traces.get(trace.trace_id)
        if content is not None:
            trace.had_calls = bool(content[0])
            trace.past = {content[i : i + _ID] for i in range(1, len(content), _ID)}
