"""Provider response ids that calls have been counted under, also of traces long gone."""

from __future__ import annotations

from collections.abc import Mapping

from genai_exporter.dialects import fields as f
from genai_exporter.trace import match
from genai_exporter.trace.span import Span
from genai_exporter.trace.trace import Trace

#: Trace id and serial number of the trace, span id, scope, input and output tokens.
_Claim = tuple[bytes, int, bytes, int, int | None, int | None]


class Claims:
    """The first span of each response id. Bounded: the oldest ids go first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._first: dict[str, _Claim] = {}

    def __contains__(self, response_id: str) -> bool:
        return response_id in self._first

    def __len__(self) -> int:
        return len(self._first)

    def claim(self, span: Span, serial: int) -> None:
        """Note the response id of a span that was counted in the trace with this serial number."""
        response_id: str = span.values[f.RESPONSE_ID]
        if not self._capacity or response_id in self._first or not match.unique(response_id):
            return
        if len(self._first) >= self._capacity:
            # Dictionaries keep insertion order: the oldest id goes first.
            self._first.pop(next(iter(self._first)))
        input_tokens, output_tokens = span.values[f.INPUT], span.values[f.OUTPUT]
        self._first[response_id] = (
            span.trace_id, serial, span.span_id, span.scope.number, input_tokens, output_tokens
        )  # fmt: skip

    def taken(self, span: Span, traces: Mapping[bytes, Trace]) -> bool:
        """Whether the span's call was counted under a span that is gone by now: a late or repeated report.

        ``traces``, by id, are those that are being settled: what is in them is judged there.
        """
        claim = self._first.get(span.values[f.RESPONSE_ID])
        if claim is None:
            return False
        trace_id, serial, span_id, scope, input_tokens, output_tokens = claim
        trace = traces.get(trace_id)
        if trace is not None and trace.serial == serial and span_id in trace.spans:
            return False
        values = span.values
        if scope != span.scope.number or not (input_tokens or output_tokens):
            return True
        # One instrumentation with other figures under the same id: the id of a stub, which proves nothing.
        other = (values[f.INPUT], values[f.OUTPUT])
        return not any(other) or other == (input_tokens, output_tokens)
