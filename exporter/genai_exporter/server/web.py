"""The web endpoint: metrics page, health checks, reload and landing page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.web_request import BaseRequest
from isal import isal_zlib

from genai_exporter.server.connection import SERVER_NAME, HttpListener
from genai_exporter.server.credentials import Verdict
from genai_exporter.server.faults import Faults
from genai_exporter.server.landing import landing_page
from genai_exporter.server.limits import Link, WebOptions
from genai_exporter.server.negotiate import OPENMETRICS_TYPE, TEXT_TYPE, accepts_gzip, wants_openmetrics
from genai_exporter.server.running import Running
from genai_exporter.server.webconfig import WebConfig

RELOAD_IS_OFF: Final = (
    "reloading over HTTP is turned off; to allow it set reload.http: true in the configuration, or "
    "GENAI_EXPORTER_RELOAD__HTTP=true; the signal SIGHUP reloads in any case\n"
)
DRAINING: Final = "shutting down"

_GZIP: Final = 31  # zlib's code for a gzip container
_FAST: Final = 1
_SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": SERVER_NAME,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
}

_log = logging.getLogger(__name__)


class Pages:
    """Answers the requests of the web endpoint."""

    def __init__(
        self,
        *,
        render: Callable[[bool], bytes],
        ready: Callable[[], str | None],
        reload: Callable[[], str | None] | None,
        landing: bytes,
        web_config: WebConfig | None,
        compress_from_bytes: int,
    ) -> None:
        self.draining = False
        self._render = render
        self._ready = ready
        self._reload = reload
        self._landing = landing
        self._web_config = web_config
        self._compress_from = compress_from_bytes
        self._faults = Faults(_log)
        self._pages: dict[str, tuple[str, Callable[[BaseRequest], web.Response]]] = {
            "/": ("GET", self._home),
            "/metrics": ("GET", self._metrics),
            "/-/healthy": ("GET", self._healthy),
            "/-/ready": ("GET", self._readiness),
            "/-/reload": ("POST", self._reloading),
        }

    def refused(self, status: int) -> None:
        """Nothing to do: only the receivers' requests are counted."""

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        try:
            response = await self._authenticate(request) or self._answer(request)
        except Exception as error:
            self._faults.report(f"answering {request.method} {request.path}", error)
            response = _text(500, "internal error; the log says more\n")
        for name, value in _SECURITY_HEADERS.items():
            response.headers[name] = value
        if self._web_config is not None:
            response.headers.update(self._web_config.headers)
        return response

    def _answer(self, request: BaseRequest) -> web.Response:
        found = self._pages.get(request.path)
        if found is None:
            return _text(404, f"no such page; there are: {' '.join(self._pages)}\n")
        method, page = found
        allowed = ("GET", "HEAD") if method == "GET" else (method,)
        if request.method not in allowed:
            response = _text(405, f"this page is asked for by {' or '.join(allowed)}\n")
            response.headers["Allow"] = ", ".join(allowed)
            return response
        return page(request)

    async def _authenticate(self, request: BaseRequest) -> web.Response | None:
        if self._web_config is None:
            return None
        verdict = await self._web_config.check(request.headers.get("Authorization"))
        if verdict is Verdict.ADMITTED:
            return None
        if verdict is Verdict.BUSY:
            response = _text(429, "too many log-ins at once\n")
            response.headers["Retry-After"] = "1"
            return response
        response = _text(401, "valid credentials are required\n")
        for challenge in self._web_config.challenges:
            response.headers.add("WWW-Authenticate", challenge)
        return response

    def _home(self, request: BaseRequest) -> web.Response:
        return web.Response(body=self._landing, headers={"Content-Type": "text/html; charset=utf-8"})

    def _metrics(self, request: BaseRequest) -> web.Response:
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        body = self._render(openmetrics)
        headers = {
            "Content-Type": OPENMETRICS_TYPE if openmetrics else TEXT_TYPE,
            "Vary": "Accept, Accept-Encoding",
        }
        if len(body) >= self._compress_from and accepts_gzip(request.headers.get("Accept-Encoding", "")):
            body = isal_zlib.compress(body, _FAST, _GZIP)
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)

    def _healthy(self, request: BaseRequest) -> web.Response:
        return _text(200, "healthy\n")

    def _readiness(self, request: BaseRequest) -> web.Response:
        reason = DRAINING if self.draining else self._ready()
        return _text(200, "ready\n") if reason is None else _text(503, f"not ready: {reason}\n")

    def _reloading(self, request: BaseRequest) -> web.Response:
        if self._reload is None:
            return _text(403, RELOAD_IS_OFF)
        if _from_another_site(request):
            return _text(403, "a page of another site asked for this reload; it is not done\n")
        problem = self._reload()
        if problem is not None:
            return _text(500, f"not reloaded, the last good configuration stays in force: {problem}\n")
        return _text(200, "reloaded\n")


def _from_another_site(request: BaseRequest) -> bool:
    """Whether a browser sent this request on behalf of a foreign page. Other clients send no Origin."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("Host", "").lower()


def _text(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text)


async def start_web(
    *,
    listen: str,
    render: Callable[[bool], bytes],
    ready: Callable[[], str | None],
    reload: Callable[[], str | None] | None,
    version: str,
    links: Sequence[Link],
    web_config: WebConfig | None,
    options: WebOptions = WebOptions(),  # noqa: B008 (immutable)
) -> Running:
    """Serve the pages on ``listen``. Raises ListenError.

    ``render`` makes the metrics page (True: OpenMetrics, complete with ``# EOF``). ``ready`` returns None, or why the
    service is not ready. ``reload`` returns None, or why it failed; it is None when reloading over HTTP is off.
    """
    pages = Pages(
        render=render,
        ready=ready,
        reload=reload,
        landing=landing_page(SERVER_NAME, version, links),
        web_config=web_config,
        compress_from_bytes=options.compress_from_bytes,
    )
    listener = HttpListener(pages, max_connections=options.max_connections, idle_seconds=options.idle_seconds)
    await listener.open(listen, web_config)
    return listener
