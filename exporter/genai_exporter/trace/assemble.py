"""Traces in assembly: from spans as they arrive to traces that are ready to be settled.

A trace is settled when none of its spans has arrived for the settle time. Under pressure the traces that have waited
longest and have their root are settled early; when that does not help either, the receiver is told to push back.
Settled traces stay in memory for a while, so that a late span is judged beside the ones that were counted.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping
from itertools import count

from genai_exporter.dialects import fields as f
from genai_exporter.trace import match
from genai_exporter.trace.evaluate import EvaluationRule
from genai_exporter.trace.resolve import Claims, Outcome, Trace, resolve
from genai_exporter.trace.span import CALL, STATUS_ERROR, Span

_TWIN_WINDOW_NS = 2_500_000_000
_MAX_CANDIDATES = 32
_MAX_LINKS = 16
_MAX_TOGETHER = 64
#: A Logfire stream's second span comes when the stream ends; its first span waits that long for it.
STREAM_HOLD_SECONDS = 60.0


class Assembler:
    """All traces in memory. ``add`` and ``due`` are the hot path."""

    def __init__(
        self,
        *,
        settle_seconds: float,
        late_seconds: float,
        max_pending_spans: int,
        response_id_memory: int,
        rules: Mapping[str, EvaluationRule],
    ) -> None:
        self.settle_seconds = settle_seconds
        self.late_seconds = late_seconds
        self.max_pending_spans = max_pending_spans
        self.rules = rules
        self.pending_spans = 0  # in traces that are not settled
        self.waiting_spans = 0  # of these, the ones that have no result yet
        self.remembered_spans = 0
        self.pending_traces = 0
        self._traces: dict[bytes, Trace] = {}
        self._queue: list[tuple[float, int, Trace]] = []
        self._order = count()
        self._remembered: deque[tuple[float, Trace]] = deque()
        self._claims = Claims(response_id_memory)
        self._seen_ids: dict[str, bytes] = {}
        self._seen_capacity = response_id_memory
        self._neighbours = _Neighbours()

    def add(self, span: Span, now: float) -> bool:
        """Take a span. ``False`` when the very same span is here already: a retransmission."""
        trace = self._traces.get(span.trace_id)
        if trace is None:
            trace = self._traces[span.trace_id] = Trace(span.trace_id, next(self._order), now)
            self._enqueue(trace, now)
        elif trace.settled:
            self._reopen(trace, now)
        known = trace.spans.get(span.span_id)
        trace.last_seen = now
        if known is not None:
            _merge(known, span)
            return False
        trace.spans[span.span_id] = span
        self.pending_spans += 1
        self.waiting_spans += 1
        if span.role == CALL:
            self._link(trace, span)
        return True

    def _enqueue(self, trace: Trace, now: float) -> None:
        self.pending_traces += 1
        heapq.heappush(self._queue, (now + self.settle_seconds, next(self._order), trace))

    def _reopen(self, trace: Trace, now: float) -> None:
        trace.settled = False
        self.remembered_spans -= len(trace.spans)
        self.pending_spans += len(trace.spans)
        self._enqueue(trace, now)

    def _link(self, trace: Trace, span: Span) -> None:
        """Note which traces tell of the same calls: by response id, and by what lies close in time."""
        if span.scope.dialect == "logfire":
            trace.open_streams += _opens_stream(span) - bool(span.values[f.LOG_SPAN])
        response_id = span.values[f.RESPONSE_ID]
        if response_id and match.unique(response_id):
            other = self._seen_ids.get(response_id)
            if other is None:
                if len(self._seen_ids) >= self._seen_capacity:
                    self._seen_ids.pop(next(iter(self._seen_ids)))
                self._seen_ids[response_id] = trace.trace_id
            elif other != trace.trace_id and other in self._traces:
                _join(self._traces[other], trace)
        for neighbour in self._neighbours.add(span):
            other_trace = self._traces.get(neighbour.trace_id)
            if other_trace is not None and other_trace is not trace:
                _join(other_trace, trace)

    # -- settling ------------------------------------------------------------------------------------------------

    def due(self, now: float) -> Outcome:
        """Settle what has been quiet for long enough."""
        outcome = Outcome()
        queue = self._queue
        while queue and queue[0][0] <= now:
            _, _, trace = heapq.heappop(queue)
            if trace.settled:
                continue
            when = trace.last_seen + self._patience(trace)
            if when > now:
                heapq.heappush(queue, (when, next(self._order), trace))
                continue
            self._settle(trace, now, outcome)
        self._forget(now)
        return outcome

    def _patience(self, trace: Trace) -> float:
        if trace.open_streams > 0:
            return max(self.settle_seconds, STREAM_HOLD_SECONDS)
        return self.settle_seconds

    def relieve(self, now: float, target: int) -> Outcome:
        """Settle early, the longest waiting first and complete ones before others, until ``target`` spans wait."""
        outcome = Outcome()
        for _, _, trace in sorted(self._queue):
            if self.pending_spans <= target:
                break
            if not trace.settled and _has_root(trace):
                self._settle(trace, now, outcome)
        self._forget(now)
        return outcome

    def drain(self, now: float) -> Outcome:
        """Settle everything, whether it is complete or not."""
        outcome = Outcome()
        queue, self._queue = self._queue, []
        for _, _, trace in sorted(queue, key=lambda entry: entry[:2]):
            if not trace.settled:
                self._settle(trace, now, outcome)
        return outcome

    def _settle(self, trace: Trace, now: float, outcome: Outcome) -> None:
        together = self._together(trace)
        for one in together:
            self.waiting_spans -= len(one.spans) - one.reported
            if not one.settled:
                self.pending_traces -= 1
                self.pending_spans -= len(one.spans)
                self.remembered_spans += len(one.spans)
                one.expiry = now + self.late_seconds
                self._remembered.append((one.expiry, one))
        resolve(together, self.rules, self._claims, outcome)

    def _together(self, trace: Trace) -> list[Trace]:
        """The trace and all that are linked to it, in an order that does not depend on arrival."""
        if not trace.linked:
            return [trace]
        found = {trace.trace_id: trace}
        waiting = [trace]
        while waiting and len(found) < _MAX_TOGETHER:
            for trace_id in waiting.pop().linked or ():
                other = self._traces.get(trace_id)
                if other is not None and trace_id not in found:
                    found[trace_id] = other
                    waiting.append(other)
        return [found[trace_id] for trace_id in sorted(found)]

    def _forget(self, now: float) -> None:
        """Drop settled traces after their time, or earlier when memory is needed."""
        remembered = self._remembered
        while remembered:
            expiry, trace = remembered[0]
            if expiry > now and self.pending_spans + self.remembered_spans <= self.max_pending_spans:
                return
            remembered.popleft()
            # A trace that was opened again has, or will have, a later entry of its own.
            if trace.settled and trace.expiry == expiry:
                self.remembered_spans -= len(trace.spans)
                del self._traces[trace.trace_id]
                self._neighbours.forget(trace)


def _opens_stream(span: Span) -> bool:
    """The first half of a stream whose second half reports the usage."""
    return (
        span.scope.dialect == "logfire"
        and span.role == CALL
        and span.values[f.INPUT] is None
        and span.values[f.OUTPUT] is None
        and not span.values[f.LOG_SPAN]
        and span.status != STATUS_ERROR
    )


def _has_root(trace: Trace) -> bool:
    return any(not span.parent_id for span in trace.spans.values())


def _join(a: Trace, b: Trace) -> None:
    """Link two traces, unless one has so many links already that its evidence cannot be worth anything."""
    a.linked = a.linked if a.linked is not None else set()
    b.linked = b.linked if b.linked is not None else set()
    if len(a.linked) < _MAX_LINKS and len(b.linked) < _MAX_LINKS:
        a.linked.add(b.trace_id)
        b.linked.add(a.trace_id)


def _merge(known: Span, again: Span) -> None:
    """Some exporters send a span twice, first without and then with its results: keep the union of both."""
    if again.values is known.values:
        return
    later = (again.end_ns, again.status) > (known.end_ns, known.status)
    if isinstance(known.values, tuple):
        known.values = again.values
    elif not isinstance(again.values, tuple):
        for slot, value in enumerate(again.values):
            if value is not None and (known.values[slot] is None or (later and known.values[slot] != value)):
                known.values[slot] = value
    if again.role and (not known.role or later):
        known.role, known.operation, known.dialect = again.role, again.operation, again.dialect
    known.start_ns = min(known.start_ns, again.start_ns)
    known.end_ns = max(known.end_ns, again.end_ns)
    known.status = max(known.status, again.status)
    known.failures = known.failures or again.failures
    known.evaluations = known.evaluations or again.evaluations


class _Neighbours:
    """Model-call spans by process and start time, for processes in which several instrumentations report calls."""

    def __init__(self) -> None:
        self._processes: dict[int, tuple[set[int], list[tuple[int, bytes, Span]]]] = {}

    def add(self, span: Span) -> list[Span]:
        """Remember a span; return those of other traces that tell of the same call."""
        process = span.resource.number
        number = span.scope.number
        known = self._processes.get(process)
        if known is None:
            known = self._processes[process] = ({number}, [])
        scopes, entries = known
        scopes.add(number)
        moment = _moment(span)
        found: list[Span] = []
        streams = span.scope.dialect == "logfire"
        if len(scopes) > 1 or streams:
            middle = bisect_left(entries, (moment,))
            for at, _, other in entries[max(0, middle - _MAX_CANDIDATES) : middle + _MAX_CANDIDATES]:
                if abs(at - moment) > _TWIN_WINDOW_NS or other.trace_id == span.trace_id:
                    continue
                if other.scope.number != number:
                    if match.twins(span, other):
                        found.append(other)
                elif streams and (match.stream_parts(span, other) or match.stream_parts(other, span)):
                    found.append(other)
        insort(entries, (moment, span.key, span))
        return found

    def forget(self, trace: Trace) -> None:
        for span in trace.spans.values():
            known = self._processes.get(span.resource.number) if span.role == CALL else None
            if known is None:
                continue
            _, entries = known
            position = bisect_left(entries, (_moment(span), span.key))
            if position < len(entries) and entries[position][2] is span:
                del entries[position]
            if not entries:
                del self._processes[span.resource.number]


def _moment(span: Span) -> int:
    """Where two spans of one call meet in time: starts of twins, and the seam of a stream in two parts."""
    if span.values[f.LOG_SPAN]:
        return match.stream_start(span)
    return span.end_ns if _opens_stream(span) else span.start_ns
