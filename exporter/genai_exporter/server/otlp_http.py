"""OTLP over HTTP: protobuf and JSON, on the standard paths and on those that other platforms' SDKs insist on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.web import RequestPayloadError
from aiohttp.web_request import BaseRequest

from genai_exporter.errors import Full, Receipt, Unreadable
from genai_exporter.server import statuses
from genai_exporter.server.bodies import ENCODINGS, BodyCorrupt, BodyTooLarge
from genai_exporter.server.connection import SERVER_NAME, HttpListener
from genai_exporter.server.credentials import Verdict
from genai_exporter.server.faults import Faults
from genai_exporter.server.intake import Intake, NoRoom, TooSlow
from genai_exporter.server.limits import ReceiverLimits
from genai_exporter.server.running import OTHER, SIGNALS, Encoding, OnRequest, PipelinePort, Signal
from genai_exporter.server.webconfig import WebConfig

# Standard; Langfuse's base URL; LangSmith's two.
BASES: Final = ("", "/api/public/otel", "/otel", "/api/v1/otel")

DRAIN_RETRY_S: Final = 5.0
BUSY_RETRY_S: Final = 1.0
PREFLIGHT_MAX_AGE_S: Final = 600
CLIENT_LEFT: Final = 499
QUOTED_CHARS: Final = 100  # of what a client sent, so that the advice after it is not pushed out

_MEDIA_TYPES: Final[dict[str, Encoding]] = {
    "application/x-protobuf": "protobuf",
    "application/protobuf": "protobuf",
    "application/json": "json",
}
_IDENTITY: Final = ("", "identity")

_log = logging.getLogger(__name__)
_Take: TypeAlias = Callable[[bytes, Encoding, float], Receipt]


class Route(msgspec.Struct, frozen=True):
    """What a path receives, and the pipeline's method that takes it."""

    signal: Signal
    take: _Take


class Refusal(Exception):
    """The request is answered with an error: HTTP status, ``google.rpc`` code, text and further headers."""

    def __init__(
        self,
        http: int,
        code: int,
        message: str,
        *,
        retry_after_s: float | None = None,
        headers: Sequence[tuple[str, str]] = (),
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.http = http
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s
        self.headers = headers
        self.close = close


def routes(pipeline: PipelinePort, extra_prefixes: Sequence[str]) -> dict[str, Route]:
    """Every path that is answered. Under an extra prefix, both ``/v1/...`` and ``/otel/v1/...`` are."""
    takers: dict[Signal, _Take] = {"traces": pipeline.traces, "logs": pipeline.logs, "metrics": pipeline.metrics}
    bases = list(BASES)
    for prefix in extra_prefixes:
        base = "/" + prefix.strip("/") if prefix.strip("/") else ""
        bases += [base, f"{base}/otel"]
    return {f"{base}/v1/{signal}": Route(signal, takers[signal]) for base in bases for signal in SIGNALS}


class OtlpSite:
    """Answers OTLP requests."""

    def __init__(
        self,
        pipeline: PipelinePort,
        *,
        limits: ReceiverLimits,
        web_config: WebConfig | None,
        now: Callable[[], float],
        on_request: OnRequest,
        extra_prefixes: Sequence[str],
        cors_origins: Sequence[str],
    ) -> None:
        self.draining = False
        self.intake = Intake(limits)
        self._routes = routes(pipeline, extra_prefixes)
        self._web_config = web_config
        self._now = now
        self._on_request = on_request
        self._origins = frozenset(cors_origins)
        self._faults = Faults(_log)

    def refused(self, status: int) -> None:
        self._on_request("http", OTHER, str(status))

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        path = request.path
        route = self._routes.get(path) or self._routes.get(path.removesuffix("/"))
        signal = route.signal if route else OTHER
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        encoding = _MEDIA_TYPES.get(media_type)
        try:
            response = await self._answer(request, route, encoding, media_type)
        except Refusal as refusal:
            response = self._refuse(refusal, encoding or "json")
        except ConnectionError:
            response = web.Response(status=CLIENT_LEFT)  # for the books: there is nobody to read it
        except Exception as error:
            self._faults.report(f"answering {request.method} {path}", error)
            response = self._refuse(Refusal(500, statuses.INTERNAL, "internal error"), encoding or "json")
        self._finish(request, response)
        self._on_request("http", signal, str(response.status))
        return response

    async def _answer(
        self, request: BaseRequest, route: Route | None, encoding: Encoding | None, media_type: str
    ) -> web.Response:
        if route is None:
            known = ", ".join(self._routes)
            raise Refusal(
                404, statuses.NOT_FOUND, f"no such path: {request.path[:QUOTED_CHARS]}; OTLP is received on {known}"
            )
        if request.method == "OPTIONS" and self._origins:
            return web.Response(status=204)
        if request.method != "POST":
            allow = "POST, OPTIONS" if self._origins else "POST"
            raise Refusal(405, statuses.UNIMPLEMENTED, "OTLP is sent by POST", headers=[("Allow", allow)])
        if self.draining:
            raise Refusal(503, statuses.UNAVAILABLE, "shutting down", retry_after_s=DRAIN_RETRY_S, close=True)
        await self._authenticate(request)
        if encoding is None:
            accepted = ", ".join(dict.fromkeys(statuses.CONTENT_TYPES.values()))
            raise Refusal(
                415,
                statuses.INVALID_ARGUMENT,
                f"content type {media_type[:QUOTED_CHARS]!r} is not supported; supported: {accepted}",
                headers=[("Accept-Post", accepted)],
            )
        receipt = await self._take(request, route, encoding)
        return web.Response(
            body=statuses.export_response(route.signal, receipt, encoding),
            headers={"Content-Type": statuses.CONTENT_TYPES[encoding]},
        )

    async def _authenticate(self, request: BaseRequest) -> None:
        if self._web_config is None:
            return
        verdict = await self._web_config.check(request.headers.get("Authorization"))
        if verdict is Verdict.BUSY:
            raise Refusal(429, statuses.RESOURCE_EXHAUSTED, "too many log-ins at once", retry_after_s=BUSY_RETRY_S)
        if verdict is Verdict.REFUSED:
            challenges = [("WWW-Authenticate", challenge) for challenge in self._web_config.challenges]
            raise Refusal(401, statuses.UNAUTHENTICATED, "valid credentials are required", headers=challenges)

    async def _take(self, request: BaseRequest, route: Route, encoding: Encoding) -> Receipt:
        compression = request.headers.get("Content-Encoding", "").strip().lower()
        if compression not in ENCODINGS and compression not in _IDENTITY:
            raise Refusal(
                415,
                statuses.INVALID_ARGUMENT,
                f"content encoding {compression[:QUOTED_CHARS]!r} is not supported; supported: gzip, deflate, identity",
                headers=[("Accept-Encoding", "gzip, deflate, identity")],
            )
        try:
            with self.intake.open() as intake:
                body = await intake.read(request, "" if compression in _IDENTITY else compression)
                return route.take(body, encoding, self._now())
        except Unreadable as error:
            raise Refusal(400, statuses.INVALID_ARGUMENT, f"the body cannot be read: {error}") from error
        except BodyCorrupt as error:
            raise Refusal(400, statuses.INVALID_ARGUMENT, str(error)) from error
        except (RequestPayloadError, BadHttpMessage) as error:
            raise Refusal(400, statuses.INVALID_ARGUMENT, "the body is broken in transfer", close=True) from error
        except BodyTooLarge as error:
            raise Refusal(413, statuses.RESOURCE_EXHAUSTED, str(error)) from error
        except NoRoom as error:
            raise Refusal(429, statuses.RESOURCE_EXHAUSTED, str(error), retry_after_s=BUSY_RETRY_S) from error
        except Full as error:
            raise Refusal(429, statuses.RESOURCE_EXHAUSTED, str(error), retry_after_s=error.retry_after_s) from error
        except TooSlow as error:
            raise Refusal(408, statuses.DEADLINE_EXCEEDED, str(error), close=True) from error

    def _refuse(self, refusal: Refusal, encoding: Encoding) -> web.Response:
        response = web.Response(
            status=refusal.http,
            body=statuses.status_body(refusal.code, refusal.message, encoding, refusal.retry_after_s),
            headers={"Content-Type": statuses.CONTENT_TYPES[encoding]},
        )
        for name, value in refusal.headers:
            response.headers.add(name, value)
        if refusal.retry_after_s is not None:
            response.headers["Retry-After"] = statuses.retry_after_header(refusal.retry_after_s)
        if refusal.close:
            response.force_close()
        return response

    def _finish(self, request: BaseRequest, response: web.Response) -> None:
        headers = response.headers
        headers["Server"] = SERVER_NAME
        headers["X-Content-Type-Options"] = "nosniff"
        if self._web_config is not None:
            headers.update(self._web_config.headers)
        if not self._origins:
            return
        headers["Vary"] = "Origin"
        origin = request.headers.get("Origin")
        if origin is None or not (origin in self._origins or "*" in self._origins):
            return
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = "Retry-After"
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = "POST"
            # Exporters send headers of their own choice, so what the browser asks for is granted.
            headers["Access-Control-Allow-Headers"] = request.headers.get(
                "Access-Control-Request-Headers", "content-type, content-encoding, authorization"
            )
            headers["Access-Control-Max-Age"] = str(PREFLIGHT_MAX_AGE_S)


class HttpReceiver(HttpListener):
    """The running OTLP/HTTP receiver."""

    def __init__(self, site: OtlpSite, limits: ReceiverLimits) -> None:
        super().__init__(site, max_connections=limits.max_connections, idle_seconds=limits.idle_seconds)
        self._otlp = site

    @property
    def held_bytes(self) -> int:
        """Memory held by the bodies of the requests in progress."""
        return self._otlp.intake.held_bytes

    def set_limits(self, limits: ReceiverLimits) -> None:
        """New bounds for the next requests; those of connections stay as they were at start."""
        self._otlp.intake.limits = limits


async def start_otlp_http(
    pipeline: PipelinePort,
    *,
    listen: str,
    limits: ReceiverLimits,
    web_config: WebConfig | None,
    now: Callable[[], float],
    on_request: OnRequest,
    extra_prefixes: Sequence[str] = (),
    cors_origins: Sequence[str] = (),
) -> HttpReceiver:
    """Receive OTLP/HTTP on ``listen``. ``now`` is Unix seconds. Raises ListenError."""
    site = OtlpSite(
        pipeline,
        limits=limits,
        web_config=web_config,
        now=now,
        on_request=on_request,
        extra_prefixes=extra_prefixes,
        cors_origins=cors_origins,
    )
    receiver = HttpReceiver(site, limits)
    await receiver.open(listen, web_config)
    return receiver
