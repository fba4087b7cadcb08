"""What a sink says in the log: an outage once at its beginning and once at its end, a fault once a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

PERIOD_S: Final = 60.0
MAX_KINDS: Final = 256


class Notices:
    """Log lines of one sink, called ``what`` in them; they are bounded in number however often something fails."""

    def __init__(self, logger: logging.Logger, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._what = what
        self._clock = clock
        self._failing: str | None = None
        self._since = 0.0
        self._said: dict[str, tuple[float, int]] = {}

    def failing(self, reason: str) -> None:
        """Note that the sink cannot be reached or does not take anything; said when it begins and when it changes."""
        if self._failing is None:
            self._since = self._clock()
        if self._failing != reason:
            self._logger.warning("%s: %s; what waits is kept and tried again", self._what, reason)
        self._failing = reason

    def working(self) -> None:
        """Note that it takes things; said when it did not before."""
        if self._failing is not None:
            self._logger.info("%s: works again after %.0f s", self._what, self._clock() - self._since)
            self._failing = None

    def lost(self, kind: str, message: str) -> None:
        """Say that items were lost, unless the same ``kind`` was said within the minute."""
        now = self._clock()
        said_at, left_out = self._said.get(kind, (None, 0))
        if said_at is not None and now - said_at < PERIOD_S:
            self._said[kind] = (said_at, left_out + 1)
            return
        if said_at is None and len(self._said) >= MAX_KINDS:
            self._said.pop(next(iter(self._said)))
        self._said[kind] = (now, 0)
        more = f" ({left_out} more like it since the last report)" if left_out else ""
        self._logger.error("%s: %s%s", self._what, message, more)
