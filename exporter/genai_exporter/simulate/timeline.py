"""A clock that stands still unless told to move, and the spans that were open while it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from .model import Facts, Failure, Kind, Span


class Open:
    """A span that has not ended; set ``facts`` and ``failure`` before it does."""

    __slots__ = ("facts", "failure", "span_id", "start_s")

    def __init__(self, span_id: bytes, start_s: float) -> None:
        self.span_id = span_id
        self.start_s = start_s
        self.facts: Facts | None = None
        self.failure: Failure | None = None


class Timeline:
    """Spans of one request in the order in which they end, which is the order an SDK exports them in."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._parents: list[bytes] = []
        self._agents: list[str] = []
        self.now_s = 0.0
        self.spans: list[Span] = []

    def pass_time(self, median_s: float, spread: float = 0.35) -> None:
        """Let a log-normal time pass; ``spread`` is the standard deviation of its logarithm."""
        self.now_s += median_s * self._rng.lognormvariate(0.0, spread)

    @contextmanager
    def span(self, kind: Kind, name: str) -> Iterator[Open]:
        """Open a span under the innermost open one. ValueError when it ends without facts."""
        opened = Open(self._rng.randbytes(8), self.now_s)
        parent = self._parents[-1] if self._parents else b""
        agent = name if kind is Kind.AGENT else self._agents[-1] if self._agents else ""
        self._parents.append(opened.span_id)
        self._agents.append(agent)
        yield opened
        self._parents.pop()
        self._agents.pop()
        if opened.facts is None:
            raise ValueError(f"span {name!r} ended without facts")
        self.spans.append(
            Span(
                kind=kind,
                name=name,
                span_id=opened.span_id,
                parent_id=parent,
                start_s=opened.start_s,
                end_s=self.now_s,
                facts=opened.facts,
                failure=opened.failure,
                agent=agent,
            )
        )
