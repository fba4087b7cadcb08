"""Forwards spans, as they were received, to Tempo or any other OTLP/HTTP receiver.

A body that the pipeline has taken is put into a bounded queue with one append; tasks of the same event loop send it
over kept connections. Nothing is decoded, nothing is encoded again. What cannot be delivered now is tried again, with
growing pauses and as the receiver asks, until it is delivered or pushed out by newer bodies.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import ssl
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import aiohttp
from isal import igzip

from genai_exporter.config import ConfigError, ForwardSettings
from genai_exporter.errors import Receipt
from genai_exporter.server.running import PipelinePort

from .answers import asked_delay, rejected_spans
from .bodies import Body, BodyQueue, Encoding
from .breaker import Breaker
from .credentials import Credentials
from .notices import Notices
from .stats import SinkStats

_log = logging.getLogger(__name__)

CONTENT_TYPES: Final = {"protobuf": "application/x-protobuf", "json": "application/json"}
#: A body this small gains nothing from compression.
_WORTH_COMPRESSING: Final = 1024
_LONGEST_ANSWER: Final = 64 * 1024
_QUOTED_BYTES: Final = 200
#: A receiver that fails on one body in particular says 500 to it for ever; one that is in trouble recovers.
_MOST_ATTEMPTS_AT_500: Final = 5
_KEEPALIVE_SECONDS: Final = 15.0


class _Fate(enum.Enum):
    DELIVERED = enum.auto()
    REJECTED = enum.auto()  # this body will never be taken
    FAILED = enum.auto()  # nothing will be taken now


class _Outcome(NamedTuple):
    fate: _Fate
    reason: str = ""
    rejected: int = 0  # spans refused out of a body that was delivered
    asked: float | None = None


class Forwarder:
    """Sends what ``offer`` is given. All methods belong to one event loop; ``clock`` gives seconds that only rise."""

    def __init__(
        self,
        settings: ForwardSettings,
        *,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ConfigError when a file that the settings name cannot be used."""
        assert settings.endpoint is not None
        self._endpoint = settings.endpoint
        self._settings = settings
        self._credentials = Credentials("forward", settings.authorization, settings.authorization_file)
        self._tls = _tls(settings)
        self._queue = BodyQueue(max_bytes=settings.max_queue_bytes, max_spans=settings.max_queue_spans)
        self._breaker = breaker or Breaker()
        self._clock = clock
        self._notices = Notices(_log, f"forwarding to {self._endpoint}")
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self.stats = SinkStats(
            "forward",
            limit=settings.max_queue_spans,
            waiting=lambda: self._queue.spans,
            limit_bytes=settings.max_queue_bytes,
            waiting_bytes=lambda: self._queue.bytes,
        )

    def offer(self, data: bytes, encoding: Encoding, spans: int) -> None:
        """Take a body of ``spans`` spans to be sent."""
        dropped = self._queue.put(Body(data, encoding, spans))
        if dropped:
            self.stats.dropped += dropped
            self._notices.lost("full", f"the queue is full, the oldest {dropped} spans were dropped")

    async def start(self) -> None:
        """Begin to send."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._settings.connections, keepalive_timeout=_KEEPALIVE_SECONDS, ssl=self._tls
            ),
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds),
            headers={**self._settings.headers, "User-Agent": "genai-exporter"},
            auto_decompress=True,
        )
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._settings.connections)]

    async def stop(self, grace: float) -> None:
        """Send what waits, for ``grace`` seconds at most; what is left then is dropped and counted."""
        deadline = self._clock() + grace
        while not self._queue.empty and self._clock() < deadline:
            await asyncio.sleep(0.02)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._session is not None:
            await self._session.close()
        left = self._queue.clear()
        if left:
            self.stats.dropped += left
            self._notices.lost("stop", f"{left} spans could not be delivered before the stop and were dropped")

    async def _work(self) -> None:
        while True:
            body = await self._queue.take()
            pause = self._breaker.ask(self._clock())
            if pause:
                # Back where newer bodies can push it out.
                self._queue.put_back(body)
                await asyncio.sleep(pause)
                continue
            try:
                outcome = await self._send(body)
            except asyncio.CancelledError:
                self._breaker.released()
                self._queue.put_back(body)
                raise
            except Exception as error:  # whatever it is, the task must live and the body must be accounted for
                outcome = _Outcome(_Fate.FAILED, _say(error))
            self._settle(body, outcome)

    def _settle(self, body: Body, outcome: _Outcome) -> None:
        """Account for one attempt."""
        stats = self.stats
        if outcome.fate is _Fate.FAILED:
            body.attempts += 1
            stats.retries += 1
            stats.up = False
            self._breaker.failed(self._clock(), outcome.asked)
            self._notices.failing(outcome.reason)
            self._queue.put_back(body)
            return
        self._breaker.succeeded()
        stats.up = True
        self._notices.working()
        self._queue.done(body)
        refused = body.spans if outcome.fate is _Fate.REJECTED else min(outcome.rejected, body.spans)
        stats.results["rejected"] += refused
        stats.results["delivered"] += body.spans - refused
        if refused:
            self._notices.lost(outcome.reason, f"{refused} spans were refused: {outcome.reason}")

    async def _send(self, body: Body) -> _Outcome:
        assert self._session is not None
        headers = {"Content-Type": CONTENT_TYPES[body.encoding]}
        authorization = self._credentials.header()
        if authorization is not None:
            headers["Authorization"] = authorization
        data = body.data
        if self._settings.gzip and len(data) > _WORTH_COMPRESSING:
            data = await asyncio.to_thread(igzip.compress, data, 1)
            headers["Content-Encoding"] = "gzip"
        try:
            async with self._session.post(
                self._endpoint, data=data, headers=headers, allow_redirects=False
            ) as response:
                return _judge(response, await _beginning(response), body)
        except TimeoutError:
            return _Outcome(_Fate.FAILED, f"no answer within {self._settings.timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return _Outcome(_Fate.FAILED, _say(error))


class ForwardingPipeline:
    """A pipeline of which every request of spans is forwarded as well, once it was taken."""

    def __init__(self, pipeline: PipelinePort, forwarder: Forwarder) -> None:
        self._pipeline = pipeline
        self._offer = forwarder.offer
        self.logs = pipeline.logs
        self.metrics = pipeline.metrics

    def traces(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        """Take spans. What the pipeline refuses as a whole is not forwarded: its sender keeps it."""
        receipt = self._pipeline.traces(body, encoding, now)
        spans = receipt.accepted + receipt.rejected
        if spans:
            self._offer(body, encoding, spans)
        return receipt


def _judge(response: aiohttp.ClientResponse, answer: bytes, body: Body) -> _Outcome:
    """What an answer means for the body and for the sink. OTLP says which statuses are worth another attempt."""
    status = response.status
    if 200 <= status < 300:
        rejected, why = rejected_spans(response.content_type, answer)
        return _Outcome(_Fate.DELIVERED, why or "the answer does not say why", rejected)
    said = answer[:_QUOTED_BYTES].decode("utf-8", "replace").strip()
    reason = f"answered {status} {response.reason or ''}".rstrip()
    if said.isprintable() and said:
        reason = f"{reason}: {said}"
    if status in (429, 502, 503, 504):
        return _Outcome(_Fate.FAILED, reason, asked=asked_delay(response.headers.get("Retry-After"), time.time()))
    if status == 500:
        return _Outcome(_Fate.REJECTED if body.attempts + 1 >= _MOST_ATTEMPTS_AT_500 else _Fate.FAILED, reason)
    if status in (400, 413, 415, 422):
        return _Outcome(_Fate.REJECTED, reason)
    # Wrong credentials, a wrong path, a redirect: the setting is wrong, not the body, and somebody will correct it.
    return _Outcome(_Fate.FAILED, reason)


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """The answer, as far as it is worth reading."""
    pieces: list[bytes] = []
    length = 0
    with contextlib.suppress(aiohttp.ClientPayloadError):
        while length < _LONGEST_ANSWER and (piece := await response.content.readany()):
            pieces.append(piece)
            length += len(piece)
    return b"".join(pieces)


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _tls(settings: ForwardSettings) -> ssl.SSLContext | bool:
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"forward.ca_file: {settings.ca_file!r} cannot be used: {error}"]) from error
