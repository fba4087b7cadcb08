"""Request bodies that wait to be forwarded, bounded in bytes and in spans."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Literal

Encoding = Literal["protobuf", "json"]


class Body:
    """One request as it was received, uncompressed; how many spans it has, and how often it was sent in vain."""

    __slots__ = ("attempts", "data", "encoding", "spans")

    def __init__(self, data: bytes, encoding: Encoding, spans: int) -> None:
        self.data = data
        self.encoding: Encoding = encoding
        self.spans = spans
        self.attempts = 0


class BodyQueue:
    """First in, first out; when a new body does not fit, the oldest that wait make room.

    What is being sent counts until it is done with, so the bounds hold for all that is in memory. Belongs to one event
    loop.
    """

    def __init__(self, *, max_bytes: int, max_spans: int) -> None:
        self.max_bytes = max_bytes
        self.max_spans = max_spans
        self.bytes = 0
        self.spans = 0
        self._held = 0
        self._waiting: deque[Body] = deque()
        self._news = asyncio.Event()

    def put(self, body: Body) -> int:
        """Add ``body``. Returns how many spans were dropped for it: its own when it does not fit at all."""
        self._waiting.append(body)
        self._held += 1
        self.bytes += len(body.data)
        self.spans += body.spans
        dropped = 0
        while self._waiting and (self.bytes > self.max_bytes or self.spans > self.max_spans):
            oldest = self._waiting.popleft()
            self.done(oldest)
            dropped += oldest.spans
        self._news.set()
        return dropped

    async def take(self) -> Body:
        """Wait for the oldest body. It must be given to ``done`` or to ``put_back`` afterwards."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    def put_back(self, body: Body) -> None:
        """Make a body that was taken the next one again."""
        self._waiting.appendleft(body)
        self._news.set()

    def done(self, body: Body) -> None:
        """Forget a body that was taken."""
        self._held -= 1
        self.bytes -= len(body.data)
        self.spans -= body.spans

    def clear(self) -> int:
        """Forget everything that waits. Returns how many spans that were."""
        spans = 0
        while self._waiting:
            oldest = self._waiting.popleft()
            self.done(oldest)
            spans += oldest.spans
        return spans

    @property
    def empty(self) -> bool:
        """Whether nothing waits and nothing is being sent."""
        return not self._held
