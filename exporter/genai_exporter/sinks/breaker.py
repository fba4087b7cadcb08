"""When to try again. Pure: the time comes in as an argument, nobody sleeps here."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 30.0
#: A server that asks for patience gets it, but not for ever.
LONGEST_ASKED_SECONDS: Final = 300.0
_PROBE_POLL_SECONDS: Final = 0.1


class Breaker:
    """Keeps attempts away from a sink that fails.

    Closed, everyone may try. A failure opens it for a time that doubles with each failure in a row, up to ``longest``
    seconds, shortened at random by up to half so that replicas do not return all at once; a server's own wish goes
    first. When the time is over one attempt is let through: its success closes the breaker, its failure opens it
    again. Times are seconds of a clock that does not go back.
    """

    def __init__(
        self,
        *,
        first: float = FIRST_SECONDS,
        longest: float = LONGEST_SECONDS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first = first
        self._longest = longest
        self._chance = chance
        self._failures = 0
        self._opens_at = 0.0
        self._probing = False

    @property
    def closed(self) -> bool:
        """Whether the last attempt did not fail."""
        return self._failures == 0

    def ask(self, now: float) -> float:
        """0 when an attempt may be made, and then it must end in ``succeeded`` or ``failed``; else seconds to wait."""
        if self._failures == 0:
            return 0.0
        if self._probing:
            return _PROBE_POLL_SECONDS
        if now < self._opens_at:
            return self._opens_at - now
        self._probing = True
        return 0.0

    def succeeded(self) -> None:
        """Note that an attempt succeeded."""
        self._failures = 0
        self._probing = False

    def failed(self, now: float, asked: float | None = None) -> None:
        """Note that an attempt failed; ``asked`` is the delay in seconds that the server wants."""
        if self._failures and not self._probing:
            # Attempts that were under way when the breaker opened tell nothing new.
            if asked is not None:
                self._opens_at = max(self._opens_at, now + min(asked, LONGEST_ASKED_SECONDS))
            return
        self._probing = False
        delay = min(self._longest, self._first * 2.0 ** min(self._failures, 30)) * (1 - self._chance() / 2)
        if asked is not None:
            delay = max(delay, min(asked, LONGEST_ASKED_SECONDS))
        self._failures += 1
        self._opens_at = now + delay

    def released(self) -> None:
        """Note that an attempt ended without telling whether the sink works: it was cancelled."""
        self._probing = False
