"""The rows that are written in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from genai_exporter.records import Call, Settled, Step

from .rows import COLUMNS, DAY_NS, Formatter, Priced, today

TABLES: Final = tuple(COLUMNS)


class Entry(NamedTuple):
    """What settled at once: ``costs`` has the price of each call, ``now`` is when, in Unix seconds."""

    settled: Settled
    costs: Sequence[Priced]
    now: float
    rows: int


class Window(NamedTuple):
    """The days for which rows are kept, in days since 1970: from ``first`` to ``last``."""

    first: int
    last: int


def window(now: float, retention_days: int) -> Window:
    """The window at ``now``. A clock that is up to a day ahead of ours is taken seriously."""
    day = today(now)
    return Window(day - retention_days + 1, day + 1)


class Batch:
    """Lines by table, the days of each table that they are of, and how often they were not taken."""

    __slots__ = ("attempts", "days", "lines")

    def __init__(self) -> None:
        self.attempts = 0
        self.lines: dict[str, list[str]] = {table: [] for table in TABLES}
        self.days: set[tuple[str, int]] = set()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.lines.values()))

    def halves(self) -> tuple[Batch, Batch]:
        """The same rows in two batches."""
        one, other = Batch(), Batch()
        half, done = self.rows // 2, 0
        for table, lines in self.lines.items():
            cut = max(0, min(len(lines), half - done))
            one.lines[table], other.lines[table] = lines[:cut], lines[cut:]
            done += len(lines)
        one.days = other.days = self.days
        one.attempts = other.attempts = self.attempts
        return one, other


class Filler:
    """Formats the rows of entries into ``batches`` of at most ``most_rows``.

    ``expired`` counts rows that are too old or too far ahead to be kept, ``unusable`` those that cannot be told in
    text at all.
    """

    def __init__(self, formatter: Formatter, span: Window, *, steps: bool, most_rows: int) -> None:
        self.batches: list[Batch] = []
        self.expired = 0
        self.unusable = 0
        self._format = formatter
        self._span = span
        self._steps = steps
        self._most_rows = most_rows
        self._room = 0

    def add(self, entry: Entry) -> None:
        """Format everything in ``entry``."""
        settled, costs, now, _ = entry
        make = self._format
        for call, cost in zip(settled.calls, costs, strict=True):
            self._row("calls", call.start_ns, make.call, call, cost)
        if self._steps:
            for step in settled.steps:
                self._row("steps", step.start_ns, make.step, step)
        if settled.evaluations or settled.feedback:
            starts = _starts(settled)
            arrived = int(now * 1e9)
            for score in settled.evaluations:
                at = starts.get(score.trace_id, arrived)
                self._row("scores", at, make.score, score, at)
            for verdict in settled.feedback:
                at = starts.get(verdict.trace_id, arrived)
                self._row("feedback", at, make.feedback, verdict, at)

    def _row(self, table: str, at_ns: int, make: Callable[..., str], *record: object) -> None:
        day = at_ns // DAY_NS
        if not self._span.first <= day <= self._span.last:
            self.expired += 1
            return
        try:
            line = make(*record)
        except Exception:
            # A record that cannot be told in text is counted; the others do not suffer for it.
            self.unusable += 1
            return
        if not self._room:
            self.batches.append(Batch())
            self._room = self._most_rows
        batch = self.batches[-1]
        batch.lines[table].append(line)
        batch.days.add((table, day))
        self._room -= 1


def _starts(settled: Settled) -> dict[bytes, int]:
    """When each trace began, as far as its calls and steps tell; the same whenever the trace is replayed."""
    starts: dict[bytes, int] = {}
    parts: list[Call | Step] = [*settled.calls, *settled.steps]
    for part in parts:
        known = starts.get(part.trace_id)
        if known is None or part.start_ns < known:
            starts[part.trace_id] = part.start_ns
    return starts
