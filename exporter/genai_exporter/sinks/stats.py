"""What a sink has done and what still waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

Result = Literal["delivered", "duplicate", "expired", "rejected"]

RESULTS: Final[tuple[Result, ...]] = ("delivered", "duplicate", "expired", "rejected")
DROPPED: Final = "dropped"


class SinkStats:
    """Counters of one sink. ``dropped`` belongs to the side that fills the queue, the rest to the side that empties it,
    so that two threads need no lock.

    ``waiting`` and ``limit`` are in items: spans or rows. ``waiting_bytes`` and ``limit_bytes`` are None for a queue
    that is bounded in items alone.
    """

    def __init__(
        self,
        name: str,
        *,
        limit: int,
        waiting: Callable[[], int],
        limit_bytes: int | None = None,
        waiting_bytes: Callable[[], int] | None = None,
    ) -> None:
        self.name = name
        self.limit = limit
        self.limit_bytes = limit_bytes
        self.waiting = waiting
        self.waiting_bytes = waiting_bytes
        self.results: dict[Result, int] = dict.fromkeys(RESULTS, 0)
        self.dropped = 0
        self.retries = 0
        self.up = True

    def items(self) -> dict[str, int]:
        """Items by result."""
        counts = [*self.results.items(), (DROPPED, self.dropped)]
        return dict(counts)
