"""Model-call spans of one process by time, to find the ones in other traces that tell of the same call.

A framework that calls the SDK outside its own context makes the SDK's span the root of another trace, and so does a
library that reports the end of a stream from outside the request. At least one of two such spans is a root.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Final

from genai_exporter.dialects import fields as f
from genai_exporter.trace import match
from genai_exporter.trace.span import STATUS_ERROR, Span

_WINDOW_NS: Final = 2_500_000_000
_MAX_LOOKED_AT: Final = 128  # before a span in time, and as many after it
_MAX_FOUND: Final = 4
_MAX_SEAMS: Final = 2
#: Spans are kept in cells of 0.27 s: short lists, because Python moves all that comes after what it takes out.
_CELL_BITS: Final = 28

_Entry = tuple[int, bytes, Span]
_Cells = dict[int, list[_Entry]]


class Neighbours:
    """The model-call spans of all traces in memory."""

    def __init__(self) -> None:
        self._processes: dict[tuple[str, str], _Process] = {}

    def __len__(self) -> int:
        """How many processes have spans here."""
        return len(self._processes)

    def add(self, span: Span) -> list[Span]:
        """Keep a span; return the nearest few of other traces that tell of the same call."""
        name = (span.resource.service, span.resource.instance)
        process = self._processes.get(name)
        if process is None:
            process = self._processes[name] = _Process()
        scopes = process.scopes
        scopes.add(span.scope.number)
        found = _NOTHING
        parts = _is_stream_part(span)
        if len(scopes) > 1 or parts:
            found = process.find(span, parts)
        _insert(process.others if span.parent_id else process.roots, span.start_ns, span)
        if parts:
            _insert(process.streams, match.seam(span), span)
        process.size += 1
        return found

    def remove(self, span: Span) -> None:
        """Forget a span, which must be as it was when it was added."""
        name = (span.resource.service, span.resource.instance)
        process = self._processes.get(name)
        if process is None:
            return
        process.size -= _delete(process.others if span.parent_id else process.roots, span.start_ns, span)
        if _is_stream_part(span):
            _delete(process.streams, match.seam(span), span)
        if not process.size:
            del self._processes[name]


class _Process:
    """The spans of one process: roots, those that have a parent, and parts of streams by when the parts meet."""

    __slots__ = ("others", "roots", "scopes", "size", "streams")

    def __init__(self) -> None:
        self.size = 0
        self.scopes: set[int] = set()
        self.roots: _Cells = {}
        self.others: _Cells = {}
        self.streams: _Cells = {}

    def find(self, span: Span, parts: bool) -> list[Span]:
        found: dict[bytes, tuple[int, bytes, Span]] = {}
        if parts:
            moment = match.seam(span)
            seams = [
                (abs(moment - match.seam(other)), other.key, other)
                for other in _around(self.streams, moment)
                if match.stream_parts(span, other) or match.stream_parts(other, span)
            ]
            # Of many streams at a time, the parts of one meet within a few milliseconds.
            found = {entry[1]: entry for entry in sorted(seams, key=lambda entry: entry[:2])[:_MAX_SEAMS]}
        number, tokens, figures = span.scope.number, span.values[f.INPUT], match.figure(span) is not None
        for cells in (self.roots,) if span.parent_id else (self.roots, self.others):
            for step in (1, -1) if cells else ():
                left = _MAX_FOUND
                for other in _going(step, cells, span.start_ns):
                    if other.scope.number == number or other.trace_id == span.trace_id:
                        continue
                    # Most are told apart by their first figure, which costs little to compare.
                    if figures and tokens is not None and not _may_equal(other.values, tokens):
                        continue
                    if match.twins(span, other):
                        found[other.key] = (match.distance(span, other), other.key, other)
                        left -= 1
                        if not left:
                            break
        nearest = sorted(found.values(), key=lambda entry: entry[:2])
        return [other for _, _, other in nearest if other.trace_id != span.trace_id][:_MAX_FOUND]


_NOTHING: Final[list[Span]] = []


def _may_equal(values: Any, tokens: int) -> bool:
    return not values[f.INPUT] or values[f.INPUT] == tokens or values[f.CACHE_READ] or values[f.CACHE_WRITE]


def _insert(cells: _Cells, moment: int, span: Span) -> None:
    cell = moment >> _CELL_BITS
    entries = cells.get(cell)
    if entries is None:
        cells[cell] = [(moment, span.trace_id + span.span_id, span)]
    elif moment > entries[-1][0]:
        entries.append((moment, span.trace_id + span.span_id, span))
    else:
        insort(entries, (moment, span.trace_id + span.span_id, span))


def _delete(cells: _Cells, moment: int, span: Span) -> bool:
    cell = moment >> _CELL_BITS
    entries = cells.get(cell)
    if entries is None:
        return False
    position = bisect_left(entries, (moment, span.trace_id + span.span_id))
    if position == len(entries) or entries[position][2] is not span:
        return False
    if len(entries) == 1:
        del cells[cell]
    else:
        del entries[position]
    return True


def _around(cells: _Cells, moment: int) -> Iterator[Span]:
    """The spans nearest to a moment, before and after it."""
    yield from _going(1, cells, moment)
    yield from _going(-1, cells, moment)


def _going(step: int, cells: _Cells, moment: int) -> Iterator[Span]:
    """The spans after a moment, the nearest first, or with a ``step`` of -1 those before it."""
    here = moment >> _CELL_BITS
    left = _MAX_LOOKED_AT
    for cell in range(here, here + step * ((_WINDOW_NS >> _CELL_BITS) + 2), step):
        entries = cells.get(cell)
        if not entries:
            continue
        position = bisect_left(entries, (moment,)) if cell == here else 0 if step > 0 else len(entries)
        near = entries[position : position + left] if step > 0 else entries[max(0, position - left) : position][::-1]
        for at, _, other in near:
            if abs(at - moment) > _WINDOW_NS:
                return
            yield other
        left -= len(near)
        if left <= 0:
            return


def _is_stream_part(span: Span) -> bool:
    return span.scope.dialect == "logfire" and (bool(span.values[f.LOG_SPAN]) or opens_stream(span))


def opens_stream(span: Span) -> bool:
    """The first half of a stream whose second half reports the usage."""
    values = span.values
    return (
        span.scope.dialect == "logfire"
        and values[f.INPUT] is None
        and values[f.OUTPUT] is None
        and not values[f.LOG_SPAN]
        and span.status != STATUS_ERROR
    )
