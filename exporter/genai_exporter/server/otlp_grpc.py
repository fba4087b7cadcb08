"""OTLP over gRPC: the three official services, and gRPC's health service.

Bodies go to the pipeline as the bytes they are. Decompression is done here and not by gRPC, which would unpack a
message of any size before it looks at its limit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NoReturn, TypeAlias

import grpc
from grpc import aio

from genai_exporter.errors import Full, Receipt, Unreadable
from genai_exporter.server import statuses
from genai_exporter.server.address import ListenError, parse_listen
from genai_exporter.server.bodies import GZIP_MAGIC, BodyCorrupt, BodyTooLarge, inflate
from genai_exporter.server.credentials import Verdict
from genai_exporter.server.faults import Faults
from genai_exporter.server.limits import ReceiverLimits
from genai_exporter.server.running import Encoding, OnRequest, PipelinePort, Running, Signal
from genai_exporter.server.webconfig import WebConfig

SERVICES: Final[dict[Signal, str]] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
HEALTH: Final = "grpc.health.v1.Health"
DRAIN_RETRY_S: Final = 5.0
BUSY_RETRY_S: Final = 1.0

_SERVING: Final = b"\x08\x01"
_NOT_SERVING: Final = b"\x08\x02"
_HEALTH_REQUEST_BYTES: Final = 512
_IDENTITY_AND_GZIP: Final = 0b101  # bits of grpc.Compression: none 0, deflate 1, gzip 2

_log = logging.getLogger(__name__)
_Context: TypeAlias = aio.ServicerContext[bytes, bytes]
_Take: TypeAlias = Callable[[bytes, Encoding, float], Receipt]
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


class Refusal(Exception):
    """The call ends with an error: ``google.rpc`` code and text, and a delay when it is worth repeating."""

    def __init__(self, code: int, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


class OtlpCalls:
    """Answers the calls."""

    def __init__(
        self,
        pipeline: PipelinePort,
        *,
        limits: ReceiverLimits,
        web_config: WebConfig | None,
        now: Callable[[], float],
        on_request: OnRequest,
    ) -> None:
        self.draining = False
        self.limits = limits
        self._pipeline = pipeline
        self._web_config = web_config
        self._now = now
        self._on_request = on_request
        self._faults = Faults(_log)
        self.in_progress = 0

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """The services, with bytes in and out.

        The methods are unary to the sender, and streams here: so a sender is authenticated before its message is
        read, and the time for reading is limited. On the wire there is no difference.
        """
        takers: dict[Signal, _Take] = {
            "traces": self._pipeline.traces,
            "logs": self._pipeline.logs,
            "metrics": self._pipeline.metrics,
        }
        services = [
            grpc.method_handlers_generic_handler(
                service, {"Export": grpc.stream_unary_rpc_method_handler(self._export(signal, takers[signal]))}
            )
            for signal, service in SERVICES.items()
        ]
        health = grpc.method_handlers_generic_handler(
            HEALTH, {"Check": grpc.unary_unary_rpc_method_handler(self._check_health)}
        )
        return [*services, health]

    def _export(self, signal: Signal, take: _Take) -> Callable[..., Any]:
        async def export(messages: AsyncIterator[bytes], context: _Context) -> bytes:
            try:
                receipt = await self._receive(messages, context, take)
                answer = statuses.export_response(signal, receipt, "protobuf")
            except Refusal as refusal:
                self._on_request("grpc", signal, _CODES[refusal.code].name)
                await _abort(context, refusal)
            except asyncio.CancelledError:  # the sender left, or its message was larger than gRPC accepts here
                self._on_request("grpc", signal, grpc.StatusCode.CANCELLED.name)
                raise
            except Exception as error:
                self._faults.report(f"receiving {signal} over gRPC", error)
                self._on_request("grpc", signal, grpc.StatusCode.INTERNAL.name)
                await _abort(context, Refusal(statuses.INTERNAL, "internal error"))
            self._on_request("grpc", signal, grpc.StatusCode.OK.name)
            return answer

        return export

    async def _receive(self, messages: AsyncIterator[bytes], context: _Context, take: _Take) -> Receipt:
        if self.draining:
            raise Refusal(statuses.UNAVAILABLE, "shutting down", DRAIN_RETRY_S)
        if self.in_progress >= self.limits.max_concurrent_calls:
            raise Refusal(statuses.RESOURCE_EXHAUSTED, "too many calls at once", BUSY_RETRY_S)
        self.in_progress += 1
        try:
            await self._authenticate(context)
            message = await self._read(messages)
            return take(self._body(message), "protobuf", self._now())
        except Unreadable as error:
            raise Refusal(statuses.INVALID_ARGUMENT, f"the message cannot be read: {error}") from error
        except BodyCorrupt as error:
            raise Refusal(statuses.INVALID_ARGUMENT, str(error)) from error
        except BodyTooLarge as error:
            # Without a delay: repeating it would not help.
            raise Refusal(statuses.RESOURCE_EXHAUSTED, str(error)) from error
        except Full as error:
            raise Refusal(statuses.RESOURCE_EXHAUSTED, str(error), error.retry_after_s) from error
        finally:
            self.in_progress -= 1

    async def _read(self, messages: AsyncIterator[bytes]) -> bytes:
        seconds = self.limits.body_seconds
        try:
            async with asyncio.timeout(seconds):
                message = await anext(messages, None)
        except TimeoutError as error:
            raise Refusal(
                statuses.DEADLINE_EXCEEDED, f"the message took longer than {seconds:g} s to arrive"
            ) from error
        if message is None:
            # A message above gRPC's own limit, which is the limit at start, looks from here as if it were missing.
            raise BodyTooLarge(f"no message arrived, or one larger than {self.limits.max_body_bytes} bytes")
        return message

    def _body(self, message: bytes) -> bytes:
        if len(message) > self.limits.max_body_bytes:
            raise BodyTooLarge(f"the message is larger than {self.limits.max_body_bytes} bytes")
        # Whether a message is compressed is not passed on to here, but its first byte tells: as protobuf, 0x1f would
        # be a field of wire type 7, which does not exist.
        if message.startswith(GZIP_MAGIC):
            return inflate(message, "gzip", self.limits.max_decompressed_bytes)
        return message

    async def _authenticate(self, context: _Context) -> None:
        if self._web_config is None:
            return
        metadata = dict(context.invocation_metadata() or ())
        authorization = metadata.get("authorization")
        text = authorization.decode("latin-1") if isinstance(authorization, bytes) else authorization
        verdict = await self._web_config.check(text)
        if verdict is Verdict.BUSY:
            raise Refusal(statuses.RESOURCE_EXHAUSTED, "too many log-ins at once", BUSY_RETRY_S)
        if verdict is Verdict.REFUSED:
            raise Refusal(statuses.UNAUTHENTICATED, "valid credentials are required")

    async def _check_health(self, message: bytes, context: _Context) -> bytes:
        service = _health_service(message)
        if service not in ("", HEALTH, *SERVICES.values()):
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return _NOT_SERVING if self.draining else _SERVING


async def _abort(context: _Context, refusal: Refusal) -> NoReturn:
    made = statuses.status(refusal.code, refusal.message, refusal.retry_after_s)
    await context.abort(_CODES[refusal.code], made.message, (("grpc-status-details-bin", made.SerializeToString()),))
    raise AssertionError("abort does not return")


def _health_service(message: bytes) -> str | None:
    """The ``service`` of a HealthCheckRequest (a text in field 1), or None when it is not one that could be known."""
    if not message:
        return ""
    if len(message) > _HEALTH_REQUEST_BYTES or message[0] != 0x0A or message[1:2] != bytes([(len(message) - 2) & 0x7F]):
        return None
    return message[2:].decode("ascii", "replace")


class GrpcReceiver(Running):
    """The running OTLP/gRPC receiver."""

    def __init__(self, server: aio.Server, calls: OtlpCalls, port: int) -> None:
        self._server = server
        self._calls = calls
        self._port = port

    @property
    def port(self) -> int:
        return self._port

    def set_draining(self) -> None:
        self._calls.draining = True

    @property
    def calls_in_progress(self) -> int:
        """Calls that are waiting for their message or being answered."""
        return self._calls.in_progress

    def set_limits(self, limits: ReceiverLimits) -> None:
        """New bounds for the next calls. What was given at start stays the most that one message may have."""
        self._calls.limits = limits

    async def stop(self, grace: float) -> None:
        await self._server.stop(grace)


async def start_otlp_grpc(
    pipeline: PipelinePort,
    *,
    listen: str,
    limits: ReceiverLimits,
    web_config: WebConfig | None,
    now: Callable[[], float],
    on_request: OnRequest,
) -> GrpcReceiver:
    """Receive OTLP/gRPC on ``listen``. ``now`` is Unix seconds. Raises ListenError, or WebConfigError."""
    address = parse_listen(listen)
    calls = OtlpCalls(pipeline, limits=limits, web_config=web_config, now=now, on_request=on_request)
    server = aio.server(
        options=[
            ("grpc.max_concurrent_streams", limits.max_concurrent_calls),
            ("grpc.max_receive_message_length", limits.max_body_bytes),
            ("grpc.per_message_decompression", 0),
            ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_AND_GZIP),
            # Otherwise a second process could take half of the connections of this port without anybody noticing.
            ("grpc.so_reuseport", 0),
            # Peers that vanished are noticed; senders that ping are not turned away for it.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ],
    )
    server.add_generic_rpc_handlers(calls.handlers())
    credentials = web_config.grpc_credentials() if web_config else None
    where = str(address) if address.host else f"[::]:{address.port}"
    try:
        port = server.add_secure_port(where, credentials) if credentials else server.add_insecure_port(where)
    except RuntimeError as error:
        raise ListenError(f"cannot listen on {address}: {error}") from error
    if not port:
        raise ListenError(f"cannot listen on {address}")
    await server.start()
    return GrpcReceiver(server, calls, port)
