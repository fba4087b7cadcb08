"""What the servers share with the rest: what they call, and what a started one offers."""

from __future__ import annotations

import abc
from typing import Literal, Protocol

from genai_exporter.errors import Receipt

Encoding = Literal["protobuf", "json"]
Signal = Literal["traces", "logs", "metrics"]

SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")
OTHER = "other"


class PipelinePort(Protocol):
    """The part of the pipeline that receivers use. ``now`` is Unix seconds.

    Each method takes one request body, uncompressed, and raises ``Unreadable`` or ``Full`` from ``errors``.
    """

    def traces(self, body: bytes, encoding: Encoding, now: float) -> Receipt: ...

    def logs(self, body: bytes, encoding: Encoding, now: float) -> Receipt: ...

    def metrics(self, body: bytes, encoding: Encoding, now: float) -> Receipt: ...


class OnRequest(Protocol):
    """Told of every answered request.

    ``transport`` is ``http`` or ``grpc``; ``signal`` is ``traces``, ``logs``, ``metrics`` or ``other``; ``code`` is the
    HTTP status (``"200"``; ``"499"`` when the client left before the answer) or the name of the gRPC status (``"OK"``).
    """

    def __call__(self, transport: str, signal: str, code: str, /) -> None: ...


class Running(abc.ABC):
    """A server that accepts connections until it is stopped."""

    @property
    @abc.abstractmethod
    def port(self) -> int:
        """The port that is listened on; the one the system chose when 0 was asked for."""

    @abc.abstractmethod
    def set_draining(self) -> None:
        """From now on answer that the service is going away, so that senders repeat elsewhere or later."""

    @abc.abstractmethod
    async def stop(self, grace: float) -> None:
        """Stop listening, give the requests in progress ``grace`` seconds, then end them. May be called twice."""
