"""Traces in assembly: from spans as they arrive to traces that are ready to be settled.

A trace is settled when none of its spans has arrived for the settle time, and at the latest at its maximum age or size:
a run of an hour shows while it runs. Under pressure the traces that have waited longest and are complete are settled
early; when that does not help either, the receiver is told to push back. Settled traces stay in memory for a while, so
that a late span is judged beside the ones that were counted.
"""

from __future__ import annotations

import heapq
import logging
from collections import Counter, deque
from collections.abc import Mapping
from itertools import count, islice
from typing import Final

from genai_exporter.dialects import fields as f
from genai_exporter.trace import copies, match
from genai_exporter.trace.claims import Claims
from genai_exporter.trace.departed import Departed
from genai_exporter.trace.evaluate import EvaluationRule
from genai_exporter.trace.neighbours import Neighbours, opens_stream
from genai_exporter.trace.outcome import Outcome, give_up
from genai_exporter.trace.resolve import resolve
from genai_exporter.trace.span import CALL, KIND_SERVER, Span
from genai_exporter.trace.trace import Trace
from genai_exporter.trace.usage import has_usage

logger = logging.getLogger(__name__)

_MAX_LINKS: Final = 1_024
_MAX_TOGETHER: Final = 1_024
_KIND_CONSUMER: Final = 5
#: A Logfire stream's second span comes when the stream ends; its first span waits that long for it.
STREAM_HOLD_SECONDS: Final = 60.0
MAX_TRACE_SECONDS: Final = 300.0
MAX_SPANS_PER_TRACE: Final = 10_000


class Assembler:
    """All traces in memory. ``add`` and ``due`` are the hot path.

    Held are at most ``max_pending_spans`` and what one request adds to them, of one trace ``max_spans_per_trace`` and
    what one request adds.
    """

    def __init__(
        self,
        *,
        settle_seconds: float,
        late_seconds: float,
        max_pending_spans: int,
        response_id_memory: int,
        rules: Mapping[str, EvaluationRule],
        max_trace_seconds: float = MAX_TRACE_SECONDS,
        max_spans_per_trace: int = MAX_SPANS_PER_TRACE,
    ) -> None:
        self.settle_seconds = settle_seconds
        self.late_seconds = late_seconds
        self.max_pending_spans = max_pending_spans
        self.max_trace_seconds = max_trace_seconds
        self.max_spans_per_trace = max_spans_per_trace
        self.rules = rules
        self.pending_spans = 0  # in traces that are not settled
        self.waiting_spans = 0  # of these, the ones that have no result yet
        self.remembered_spans = 0
        self.pending_traces = 0
        self.overfull = False  # a trace has reached its maximum size: ``due`` should not wait
        self._traces: dict[bytes, Trace] = {}
        self._queue: list[tuple[float, int, Trace]] = []
        self._order = count()
        self._remembered: deque[tuple[float, Trace]] = deque()
        self._claims = Claims(response_id_memory)
        self._seen_ids: dict[str, bytes] = {}
        self._departed = Departed(response_id_memory)
        self._capacity = response_id_memory
        self._neighbours = Neighbours()
        self._noted: Counter[str] = Counter()
        self._hopeless = False  # relief was of no use, and nothing has arrived since

    # -- arrival -------------------------------------------------------------------------------------------------

    def add(self, span: Span, now: float) -> bool:
        """Take a span. ``False`` when the very same span is here already: a retransmission."""
        trace = self._traces.get(span.trace_id)
        if trace is None:
            trace = self._traces[span.trace_id] = Trace(span.trace_id, next(self._order), now)
            self._departed.revive(trace)
            self.pending_traces += 1
            trace.ticket = trace.serial
            heapq.heappush(self._queue, (now + self.settle_seconds, trace.serial, trace))
            if trace.past and span.span_id in trace.past:
                return False
        else:
            known = trace.spans.get(span.span_id)
            if known is not None:
                self._repeat(trace, known, span, now)
                return False
            if trace.past and span.span_id in trace.past:
                return False
            if trace.settled:
                self._reopen(trace, now)
            trace.last_seen = now
        spans = trace.spans
        spans[span.span_id] = span
        self.pending_spans += 1
        self.waiting_spans += 1
        if span.role == CALL:
            self._link(trace, span)
        if len(spans) == self.max_spans_per_trace:
            self.overfull = True
            self._enqueue(trace, now)
        return True

    def _enqueue(self, trace: Trace, when: float) -> None:
        """Look at a trace again at ``when``; what was planned for it before is void."""
        trace.ticket = next(self._order)
        heapq.heappush(self._queue, (when, trace.ticket, trace))

    def _reopen(self, trace: Trace, now: float) -> None:
        trace.settled = False
        trace.opened = now
        self.remembered_spans -= len(trace.spans)
        self.pending_spans += len(trace.spans)
        self.pending_traces += 1
        self._enqueue(trace, now + self.settle_seconds)

    def _repeat(self, trace: Trace, known: Span, again: Span, now: float) -> None:
        """A span that is here already. Only what is new in it keeps its trace waiting."""
        was_call = known.role == CALL
        had_usage = has_usage(known.values)
        if was_call:
            self._unlink(trace, known)
        changed = copies.merge(known, again)
        if known.role == CALL:
            self._link(trace, known)
        if not changed:
            return
        if not had_usage and has_usage(known.values) and trace.told(known):
            self._noted["late_usage"] += 1
        if trace.settled:
            self._reopen(trace, now)
        trace.last_seen = now

    def _link(self, trace: Trace, span: Span) -> None:
        """Note which traces tell of the same calls: by response id, and by what lies close in time."""
        trace.had_calls = True
        if span.scope.dialect == "logfire":
            trace.open_streams += opens_stream(span) - bool(span.values[f.LOG_SPAN])
        response_id = span.values[f.RESPONSE_ID]
        if response_id and self._capacity and match.unique(response_id):
            other_id = self._seen_ids.get(response_id)
            other = self._traces.get(other_id) if other_id is not None else None
            if other is None:
                if len(self._seen_ids) >= self._capacity:
                    self._seen_ids.pop(next(iter(self._seen_ids)))
                self._seen_ids[response_id] = trace.trace_id
            elif other is not trace:
                self._join(other, trace)
        for neighbour in self._neighbours.add(span):
            other = self._traces.get(neighbour.trace_id)
            if other is not None and other is not trace:
                self._join(other, trace)
                if other.open_streams > 0 and trace.open_streams < 0:
                    other.open_streams -= 1
                    trace.open_streams += 1
                elif other.open_streams < 0 and trace.open_streams > 0:
                    other.open_streams += 1
                    trace.open_streams -= 1

    def _unlink(self, trace: Trace, span: Span) -> None:
        """Take out what ``_link`` has noted of a model-call span that is about to change or to be forgotten."""
        if span.scope.dialect == "logfire":
            trace.open_streams -= opens_stream(span) - bool(span.values[f.LOG_SPAN])
        self._neighbours.remove(span)
        response_id = span.values[f.RESPONSE_ID]
        if response_id and self._seen_ids.get(response_id) == trace.trace_id:
            del self._seen_ids[response_id]

    def _join(self, a: Trace, b: Trace) -> None:
        """Link two traces, unless one has so many links already that its evidence cannot be worth anything."""
        left = a.linked = a.linked if a.linked is not None else {}
        right = b.linked = b.linked if b.linked is not None else {}
        if b.trace_id in left:
            return
        if len(left) < _MAX_LINKS and len(right) < _MAX_LINKS:
            left[b.trace_id] = right[a.trace_id] = None
        else:
            self._noted["too_many_links"] += 1

    # -- settling ------------------------------------------------------------------------------------------------

    def due(self, now: float) -> Outcome:
        """Settle what has been quiet for long enough, is too old, or too large."""
        outcome = Outcome()
        queue = self._queue
        while queue and queue[0][0] <= now:
            _, ticket, trace = heapq.heappop(queue)
            if trace.settled or trace.ticket != ticket:
                continue
            when = self._due_at(trace)
            if trace.linked and when <= now:
                when = self._all_due_at(trace, when)
            if when > now:
                self._enqueue(trace, when)
                continue
            outcome.lag_s = now - when
            self._settle(trace, now, outcome)
        self.overfull = False
        self._forget(now)
        self._note(outcome)
        return outcome

    def _due_at(self, trace: Trace) -> float:
        if len(trace.spans) >= self.max_spans_per_trace:
            return trace.last_seen
        patience = self.settle_seconds
        if trace.open_streams > 0:
            patience = max(patience, STREAM_HOLD_SECONDS)
        return min(trace.last_seen + patience, trace.opened + self.max_trace_seconds)

    def _all_due_at(self, trace: Trace, when: float) -> float:
        """Traces that tell of the same calls are settled together, when the last of them is due."""
        if len(trace.spans) >= self.max_spans_per_trace:
            return when
        latest = when
        for trace_id in trace.linked or ():
            other = self._traces.get(trace_id)
            if other is not None and not other.settled:
                latest = max(latest, self._due_at(other))
        return min(latest, trace.opened + self.max_trace_seconds)

    def relieve(self, now: float, target: int) -> Outcome:
        """Settle complete traces early, the longest waiting first, until no more than ``target`` spans are pending."""
        outcome = Outcome()
        if self._hopeless:
            return outcome
        for _, ticket, trace in sorted(self._queue, key=lambda entry: entry[:2]):
            if self.pending_spans <= target:
                break
            if not trace.settled and trace.ticket == ticket and _is_complete(trace):
                self._settle(trace, now, outcome)
        else:
            # Nothing else is complete until more arrives: not worth a look for every request that is refused.
            self._hopeless = True
        # What is settled must not stay in memory for the sake of its place in the queue.
        self._queue = [entry for entry in self._queue if not entry[2].settled and entry[2].ticket == entry[1]]
        heapq.heapify(self._queue)
        self._forget(now)
        self._note(outcome)
        return outcome

    def drain(self, now: float) -> Outcome:
        """Settle everything, whether it is complete or not."""
        outcome = Outcome()
        queue, self._queue = self._queue, []
        for _, ticket, trace in sorted(queue, key=lambda entry: entry[:2]):
            if not trace.settled and trace.ticket == ticket:
                self._settle(trace, now, outcome)
        self.overfull = False
        self._note(outcome)
        return outcome

    def expect(self, now: float) -> None:
        """More spans are about to arrive: forget settled traces where memory is needed."""
        self._hopeless = False
        if self.pending_spans + self.remembered_spans > self.max_pending_spans:
            self._forget(now)

    def _note(self, outcome: Outcome) -> None:
        if self._noted:
            outcome.ambiguous.update(self._noted)
            self._noted.clear()

    def _settle(self, trace: Trace, now: float, outcome: Outcome) -> None:
        together = self._together(trace)
        for one in together:
            self.waiting_spans -= len(one.spans) - one.reported
            if not one.settled:
                one.settled = True
                self.pending_traces -= 1
                self.pending_spans -= len(one.spans)
                self.remembered_spans += len(one.spans)
                one.open_streams = 0
                one.expiry = now + self.late_seconds
                self._remembered.append((one.expiry, one))
        try:
            resolve(together, self.rules, self._claims, outcome)
        except Exception:
            # A fault over one trace must not cost the others, nor the books their balance.
            logger.exception("a trace could not be settled, its spans are counted as dropped")
            give_up(together, outcome)
        for one in together:
            if len(one.spans) >= self.max_spans_per_trace:
                self._shorten(one)

    def _shorten(self, trace: Trace) -> None:
        """Of a settled trace that is too long, keep the newest half: what wraps a call ends soon after it."""
        self._noted["trace_in_parts"] += 1
        surplus = len(trace.spans) - self.max_spans_per_trace // 2
        for span in list(islice(trace.spans.values(), surplus)):
            del trace.spans[span.span_id]
            trace.forget(span)
            if span.role == CALL:
                self._unlink(trace, span)
        trace.reported -= surplus
        trace.shortened = True
        trace.open_streams = 0
        self.remembered_spans -= surplus

    def _together(self, trace: Trace) -> list[Trace]:
        """The trace and all that are linked to it, in an order that does not depend on arrival.

        Links of settled traces lead no further: what they were linked to was looked at then.
        """
        if not trace.linked:
            return [trace]
        found = {trace.trace_id: trace}
        waiting = deque([trace])
        while waiting and len(found) < _MAX_TOGETHER:
            for trace_id in waiting.popleft().linked or ():
                other = self._traces.get(trace_id)
                if other is not None and trace_id not in found:
                    found[trace_id] = other
                    if not other.settled:
                        waiting.append(other)
        return [found[trace_id] for trace_id in sorted(found)]

    # -- forgetting ----------------------------------------------------------------------------------------------

    def _forget(self, now: float) -> None:
        """Drop settled traces after their time, or earlier when memory is needed."""
        remembered = self._remembered
        while remembered:
            expiry, trace = remembered[0]
            if expiry > now and self.pending_spans + self.remembered_spans <= self.max_pending_spans:
                return
            remembered.popleft()
            # A trace that was opened again has, or will have, a later entry of its own.
            if trace.settled and trace.expiry == expiry and self._traces.get(trace.trace_id) is trace:
                self._drop(trace)

    def _drop(self, trace: Trace) -> None:
        del self._traces[trace.trace_id]
        self.remembered_spans -= len(trace.spans)
        self._departed.add(trace)
        if trace.had_calls:
            for span in trace.spans.values():
                if span.role == CALL:
                    self._unlink(trace, span)
        for trace_id in trace.linked or ():
            other = self._traces.get(trace_id)
            if other is not None and other.linked is not None:
                other.linked.pop(trace.trace_id, None)
        trace.spans = {}  # its place in the queue may hold the rest for a while


def _is_complete(trace: Trace) -> bool:
    """Whether the span is here that ends last: the root, or the one by which a request entered this application."""
    spans = trace.spans
    return any(
        not span.parent_id or (span.kind in (KIND_SERVER, _KIND_CONSUMER) and span.parent_id not in spans)
        for span in spans.values()
    )
