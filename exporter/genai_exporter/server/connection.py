"""HTTP connections: how many there may be, how slow they may be, and what becomes of requests that are no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.web_request import BaseRequest

from genai_exporter.server.address import BACKLOG, bind, parse_listen
from genai_exporter.server.running import Running
from genai_exporter.server.webconfig import WebConfig

SERVER_NAME: Final = "genai-exporter"
# A client that is refused before its body was read gets this long to stop sending and read the answer.
LINGER_S: Final = 5.0
TLS_HANDSHAKE_S: Final = 10.0
# For answers that are being written when everything ends.
LAST_ANSWERS_S: Final = 0.5

_log = logging.getLogger(__name__)

_OVERFULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: genai-exporter\r\nRetry-After: 1\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)


class _Connection(web.RequestHandler):
    """One connection. What cannot be parsed as HTTP is answered and counted, not logged: any port scan causes it."""

    __slots__ = ("_on_refused",)

    def __init__(self, server: _Server, on_refused: Callable[[int], None], **options: Any) -> None:
        super().__init__(server, **options)
        self._on_refused = on_refused

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has been sent in part")
        self._on_refused(status)
        _log.debug("request from %s answered with %d: %s", request.remote, status, exc)
        response = web.Response(status=status, text="this is not a valid HTTP request\n")
        response.headers["Server"] = SERVER_NAME
        response.force_close()
        return response


class _Server(web.Server):
    """Makes connections, up to a limit."""

    def __init__(self, site: Site, max_connections: int, idle_seconds: float) -> None:
        self._event_loop = asyncio.get_running_loop()
        super().__init__(self._handle)
        self._site = site
        self._idle = asyncio.Event()
        self._idle.set()
        self._in_progress = 0
        self._max_connections = max_connections
        self._options: dict[str, Any] = {
            "loop": self._event_loop,
            # Also ends connections whose first request never comes, or comes a byte at a time.
            "keepalive_timeout": idle_seconds,
            "lingering_time": LINGER_S,
            "auto_decompress": False,
            "access_log": None,
            "logger": _log,
        }

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self._site.refused, **self._options)

    async def _handle(self, request: BaseRequest) -> web.StreamResponse:
        self._in_progress += 1
        self._idle.clear()
        try:
            return await self._site.handle(request)
        finally:
            self._in_progress -= 1
            if not self._in_progress:
                self._idle.set()

    async def end(self, grace: float) -> None:
        """Wait ``grace`` seconds for requests in progress, then close all connections."""
        # The framework's own way of closing stops reading at once, which would cut off bodies that are arriving.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), grace)
        self.pre_shutdown()
        await self.shutdown(LAST_ANSWERS_S)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self.connections) > self._max_connections:
            self._site.refused(503)
            transport.write(_OVERFULL)
            transport.close()


class Site(Protocol):
    """What answers the requests of a listener."""

    draining: bool

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        """Answer one request."""

    def refused(self, status: int) -> None:
        """A request or connection was answered with ``status`` before it came to ``handle``."""


class HttpListener(Running):
    """A listening HTTP server in front of one site."""

    def __init__(self, site: Site, *, max_connections: int, idle_seconds: float) -> None:
        self._site = site
        self._server = _Server(site, max_connections, idle_seconds)
        self._listeners: list[asyncio.Server] = []
        self._port = 0

    async def open(self, listen: str, web_config: WebConfig | None) -> None:
        """Begin to accept connections. Raises ListenError."""
        context = web_config.ssl_context() if web_config else None
        loop = asyncio.get_running_loop()
        for opened in bind(parse_listen(listen)):
            self._port = int(opened.getsockname()[1])
            self._listeners.append(
                await loop.create_server(
                    self._server,
                    sock=opened,
                    backlog=BACKLOG,
                    ssl=context,
                    ssl_handshake_timeout=TLS_HANDSHAKE_S if context else None,
                )
            )

    @property
    def port(self) -> int:
        return self._port

    def set_draining(self) -> None:
        self._site.draining = True

    async def stop(self, grace: float) -> None:
        for listener in self._listeners:
            listener.close()
        await self._server.end(grace)
