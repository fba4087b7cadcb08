"""The accumulators: one object per label set, with nothing but what recording and rendering need.

None of this is thread-safe: everything that records or renders runs in one thread, or under one lock.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TypeAlias

Mark: TypeAlias = tuple[bytes, bytes, float]
"""Where a value came from: trace id, span id, Unix seconds. It becomes an exemplar."""

_INFINITY = float("inf")


class Activity:
    """When something was last recorded, in Unix seconds. Children that live and expire together share one."""

    __slots__ = ("last",)

    def __init__(self, last: float) -> None:
        self.last = last


class Tally:
    """Counts the values that no metric can hold: NaN, infinite or negative."""

    __slots__ = ("rejected",)

    def __init__(self) -> None:
        self.rejected = 0


class Child:
    """What all accumulators have: label values, their text as rendered, and how long they live.

    ``kept`` children never expire: the overflow series, and what the configuration declares.
    """

    __slots__ = ("activity", "kept", "tally", "text", "values")

    def __init__(self, values: tuple[str, ...], text: str, activity: Activity, kept: bool, tally: Tally) -> None:
        self.values = values
        self.text = text
        self.activity = activity
        self.kept = kept
        self.tally = tally


class CounterChild(Child):
    """A sum that only rises."""

    __slots__ = ("mark", "mark_value", "value")

    def __init__(self, values: tuple[str, ...], text: str, activity: Activity, kept: bool, tally: Tally) -> None:
        super().__init__(values, text, activity, kept, tally)
        self.value: float = 0
        self.mark: Mark | None = None
        self.mark_value: float = 0

    def inc(self, amount: float = 1, mark: Mark | None = None) -> None:
        """Add ``amount``, which must be finite and not negative: anything else is left out and tallied."""
        if 0 <= amount < _INFINITY:
            self.value += amount
            if mark is not None:
                self.mark = mark
                self.mark_value = amount
        else:
            self.tally.rejected += 1


class HeldCounterChild(CounterChild):
    """A counter that shows 0 until it was exposed once.

    Prometheus sees no increase in a series whose first sample is already 1, so an alert on any increase would miss the
    first event of a new series. What comes before the first exposition is held and added right after it.
    """

    __slots__ = ("exposed", "held")

    def __init__(self, values: tuple[str, ...], text: str, activity: Activity, kept: bool, tally: Tally) -> None:
        super().__init__(values, text, activity, kept, tally)
        self.held: float = 0
        self.exposed = False

    def inc(self, amount: float = 1, mark: Mark | None = None) -> None:
        """Add ``amount``, now or right after the first exposition."""
        if self.exposed:
            super().inc(amount, mark)
        elif 0 <= amount < _INFINITY:
            self.held += amount
            if mark is not None:
                self.mark = mark
                self.mark_value = amount
        else:
            self.tally.rejected += 1

    def release(self) -> None:
        """Note that 0 was exposed, and add what was held."""
        if not self.exposed:
            self.exposed = True
            self.value += self.held
            self.held = 0


class GaugeChild(Child):
    """A value that is set."""

    __slots__ = ("value",)

    def __init__(self, values: tuple[str, ...], text: str, activity: Activity, kept: bool, tally: Tally) -> None:
        super().__init__(values, text, activity, kept, tally)
        self.value: float = 0

    def set(self, value: float) -> None:
        """Replace the value."""
        self.value = value


class HistogramChild(Child):
    """Counts per bucket, not cumulative until rendered, with the latest exemplar of each bucket.

    An exemplar per bucket keeps the rare slow value in view however many quick ones follow it.
    """

    __slots__ = ("bounds", "counts", "marks", "marks_values", "total")

    def __init__(
        self,
        values: tuple[str, ...],
        text: str,
        activity: Activity,
        kept: bool,
        tally: Tally,
        bounds: tuple[float, ...],
    ) -> None:
        super().__init__(values, text, activity, kept, tally)
        size = len(bounds) + 1
        self.bounds = bounds
        self.counts = [0] * size
        self.marks: list[Mark | None] = [None] * size
        self.marks_values: list[float] = [0] * size
        self.total: float = 0

    def observe(self, value: float, mark: Mark | None = None) -> None:
        """Count ``value``, which must be finite and not negative: anything else is left out and tallied."""
        if 0 <= value < _INFINITY:
            index = bisect_left(self.bounds, value)
            self.counts[index] += 1
            self.total += value
            if mark is not None:
                self.marks[index] = mark
                self.marks_values[index] = value
        else:
            self.tally.rejected += 1
