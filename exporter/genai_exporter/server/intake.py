"""Reading of HTTP request bodies within bounds: of size, of time, and of memory for all requests together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import HttpVersion11
from aiohttp.web_request import BaseRequest

from genai_exporter.server.bodies import BodyTooLarge, Inflater
from genai_exporter.server.limits import ReceiverLimits

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class NoRoom(Exception):
    """The bodies of the requests in progress take all the memory they may."""


class TooSlow(Exception):
    """The body did not arrive within its time."""


class Intake:
    """Knows how much memory the bodies in progress hold. ``limits`` may be replaced at any time."""

    def __init__(self, limits: ReceiverLimits) -> None:
        self.limits = limits
        self.held_bytes = 0

    @contextmanager
    def open(self) -> Iterator[_Reading]:
        """Room for one body, given back at the end."""
        reading = _Reading(self)
        try:
            yield reading
        finally:
            self.held_bytes -= reading.held_bytes


class _Reading:
    """One body being read."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.held_bytes = 0

    async def read(self, request: BaseRequest, compression: str) -> bytes:
        """The body, decompressed. ``compression`` is one of ``bodies.ENCODINGS`` or ``""``.

        Raises BodyTooLarge, BodyCorrupt, NoRoom, TooSlow, and what aiohttp raises for a broken transfer.
        """
        limits = self._intake.limits
        if (request.content_length or 0) > limits.max_body_bytes:
            raise BodyTooLarge(f"the body is larger than {limits.max_body_bytes} bytes")
        if request.version == HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(_CONTINUE)
            request.writer.output_size = 0  # this line is no part of the answer
        inflater = Inflater(compression, limits.max_decompressed_bytes) if compression else None
        pieces: list[bytes] = []
        arrived = 0
        try:
            async with asyncio.timeout(limits.body_seconds):
                while piece := await request.content.readany():
                    arrived += len(piece)
                    if arrived > limits.max_body_bytes:
                        raise BodyTooLarge(f"the body is larger than {limits.max_body_bytes} bytes")
                    self._keep(inflater.feed(piece) if inflater else piece, pieces)
        except TimeoutError as error:
            raise TooSlow(f"the body took longer than {limits.body_seconds:g} s to arrive") from error
        if inflater:
            inflater.finish()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _keep(self, piece: bytes, pieces: list[bytes]) -> None:
        self.held_bytes += len(piece)
        self._intake.held_bytes += len(piece)
        if self._intake.held_bytes > self._intake.limits.max_held_bytes:
            raise NoRoom("too many bytes are being received at once")
        pieces.append(piece)
