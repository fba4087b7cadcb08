"""What the pipeline tells a receiver: how a request ended, or why it was not taken."""

from __future__ import annotations

from typing import NamedTuple


class Unreadable(Exception):
    """The whole body cannot be read. Sending it again will not help, so the sender is told to drop it."""


class Full(Exception):
    """There is no room now. Nothing of the request was kept; the sender should repeat it.

    ``retry_after_s`` is the delay to ask for, in seconds.
    """

    def __init__(self, retry_after_s: float = 1.0, message: str = "no room for more telemetry at the moment") -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Receipt(NamedTuple):
    """How many spans, log records or data points of a request were taken, and how many were not.

    ``reason`` explains the rejected ones to the sender; ``""`` when there is nothing to explain.
    """

    accepted: int
    rejected: int = 0
    reason: str = ""
