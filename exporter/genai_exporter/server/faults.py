"""Unexpected exceptions in the log: every kind with its traceback, none of them without end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

PERIOD_S = 60.0
MAX_KINDS = 256


class Faults:
    """Logs one traceback per exception type and minute, and says how many were left out in between."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}

    def report(self, doing: str, error: BaseException) -> None:
        """Log ``error``, which happened while ``doing`` something, unless its type was logged within the minute."""
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        now = self._clock()
        logged_at, left_out = self._seen.get(kind, (None, 0))
        if logged_at is not None and now - logged_at < PERIOD_S:
            self._seen[kind] = (logged_at, left_out + 1)
            return
        if logged_at is None and len(self._seen) >= MAX_KINDS:
            self._seen.pop(next(iter(self._seen)))
        self._seen[kind] = (now, 0)
        more = f" ({left_out} more of this kind since the last report)" if left_out else ""
        self._logger.error("unexpected error while %s%s", doing, more, exc_info=error)
