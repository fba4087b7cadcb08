"""The service: receivers, pipeline, metrics page, and their life from start to stop.

``Service.__init__`` builds everything that needs no socket, ``run`` opens the sockets, keeps the pipeline ticking and
takes all of it down again. One event loop and one thread do the work, so nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final, TypeVar

from genai_exporter import health, logging_setup
from genai_exporter.config import Settings
from genai_exporter.config.command import check_named_files
from genai_exporter.core import Core, calm_collector
from genai_exporter.reload import Reloader
from genai_exporter.selfmetrics import SelfMetrics
from genai_exporter.selftraces import SelfTraces, TracedPipeline
from genai_exporter.server import (
    GrpcReceiver,
    HttpReceiver,
    Link,
    ListenError,
    ReceiverLimits,
    Running,
    WebConfig,
    WebConfigError,
    parse_listen,
    start_otlp_grpc,
    start_otlp_http,
    start_web,
)
from genai_exporter.server.faults import Faults
from genai_exporter.sinks.wiring import SinkError, Sinks

TICK_SECONDS: Final = 0.25
DRAIN_SECONDS: Final = 5.0
LAST_TRACES_SECONDS: Final = 5.0
DISTRIBUTION: Final = "genai-exporter"

_LINKS: Final = (
    Link("Metrics", "metrics", "for Prometheus"),
    Link("Health", "-/healthy", "200 while the process answers"),
    Link("Readiness", "-/ready", "200 while telemetry is taken"),
)

_R = TypeVar("_R", bound=Running)
_log = logging.getLogger(__name__)


class StartError(Exception):
    """The service cannot start. One line that says why, and what to change."""


class Service:
    """The whole exporter. ``load`` reads the configuration again for a reload."""

    def __init__(
        self, settings: Settings, load: Callable[[], Settings], clock: Callable[[], float] = time.time
    ) -> None:
        """Raises ConfigError when a file that the settings name cannot be used."""
        self.version = metadata.version(DISTRIBUTION)
        self.core = Core(settings, check_named_files(settings))
        self.sinks = Sinks(settings, self.core)
        self.self_metrics = SelfMetrics()
        self.self_traces = (
            SelfTraces(settings.telemetry, self.version) if settings.telemetry.traces_endpoint is not None else None
        )
        self.reloader = Reloader(settings, load, self._apply, clock)
        self._clock = clock
        self._render_seconds = 0.0
        self._receivers: list[HttpReceiver | GrpcReceiver] = []
        self._open = False
        self._faults = Faults(_log)
        health.observe(
            self.self_metrics,
            self.core,
            self.reloader,
            version=self.version,
            render_seconds=lambda: self._render_seconds,
        )
        health.observe_sinks(self.self_metrics, self.sinks.stats)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain. Raises StartError."""
        stop = asyncio.Event()
        with self._signals(stop):
            async with self._sinks(), self._servers():
                calm_collector()
                _log.info("%s %s is ready", DISTRIBUTION, self.version)
                await self._tick_until(stop)
                _log.info("stopping: no more telemetry is taken, what is pending is counted")
        await self._close()
        _log.info("stopped")

    @contextlib.contextmanager
    def _signals(self, stop: asyncio.Event) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def stopping() -> None:
            stop.set()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)  # asked a second time, the process ends at once

        loop.add_signal_handler(signal.SIGTERM, stopping)
        loop.add_signal_handler(signal.SIGINT, stopping)
        loop.add_signal_handler(signal.SIGHUP, self.reloader.reload)
        yield
        loop.remove_signal_handler(signal.SIGHUP)

    @contextlib.asynccontextmanager
    async def _sinks(self) -> AsyncIterator[None]:
        """The sinks, which deliver inside the context, and whatever they run."""
        try:
            try:
                await self.sinks.start()
            except SinkError as error:
                raise StartError(str(error)) from error
            yield
        finally:
            await self.sinks.close()

    @contextlib.asynccontextmanager
    async def _servers(self) -> AsyncIterator[None]:
        """The web endpoint and the receivers, open inside the context and drained at its end."""
        settings = self.reloader.settings
        receiver, metrics = settings.receiver, settings.metrics
        limits = receiver_limits(settings)
        pipeline = self.sinks.before(self.core.pipeline)
        if self.self_traces is not None:
            pipeline = TracedPipeline(pipeline, self.self_traces.tracer)
        async with contextlib.AsyncExitStack() as stack:
            web = await _start(
                start_web(
                    listen=metrics.listen,
                    render=self.render,
                    ready=self.not_ready,
                    reload=self.reloader.reload if settings.reload.http else None,
                    version=self.version,
                    links=_LINKS,
                    web_config=_web_config(metrics.web_config_file),
                ),
                "the metrics page",
                "--metrics-listen (metrics.listen)",
            )
            stack.push_async_callback(web.stop, 1.0)
            _listening("metrics page", metrics.listen, web)
            web_config = _web_config(receiver.web_config_file)
            common: dict[str, Any] = {
                "limits": limits,
                "web_config": web_config,
                "now": self._clock,
                "on_request": self.self_metrics.on_request,
            }
            if receiver.http.listen is not None:
                http = await _start(
                    start_otlp_http(
                        pipeline,
                        listen=receiver.http.listen,
                        extra_prefixes=receiver.http.extra_prefixes,
                        cors_origins=receiver.http.cors_origins,
                        **common,
                    ),
                    "OTLP/HTTP",
                    "--otlp-http-listen (receiver.http.listen)",
                )
                stack.push_async_callback(http.stop, 0.0)
                self._receivers.append(http)
                _listening("OTLP/HTTP", receiver.http.listen, http)
            if receiver.grpc.listen is not None:
                grpc = await _start(
                    start_otlp_grpc(pipeline, listen=receiver.grpc.listen, **common),
                    "OTLP/gRPC",
                    "--otlp-grpc-listen (receiver.grpc.listen)",
                )
                stack.push_async_callback(grpc.stop, 0.0)
                self._receivers.append(grpc)
                _listening("OTLP/gRPC", receiver.grpc.listen, grpc)
            self._open = True
            yield
            web.set_draining()
            for one in self._receivers:
                one.set_draining()
            await asyncio.gather(*(one.stop(DRAIN_SECONDS) for one in self._receivers))
            self.core.pipeline.drain(self._clock())
            await self.sinks.drain()

    async def _tick_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                self._tick()
            except Exception as error:
                # One trace that cannot be settled must not stop the others from being counted.
                self._faults.report("settling traces", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TICK_SECONDS)

    def _tick(self) -> None:
        self.sinks.tick(self._clock())
        if self.self_traces is None:
            self.core.pipeline.tick(self._clock())
            return
        with self.self_traces.tracer.start_as_current_span("settle") as span:
            self.core.pipeline.tick(self._clock())
            span.set_attribute("genai_exporter.pending_spans", self.core.pipeline.stats.pending_spans)

    async def _close(self) -> None:
        if self.self_traces is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(self.self_traces.shutdown), LAST_TRACES_SECONDS)
        self.self_metrics.shutdown()

    def render(self, openmetrics: bool) -> bytes:
        """The metrics page: what is derived from spans, then the exporter's own health."""
        start = time.perf_counter()
        page = self.core.store.render(openmetrics=openmetrics) + self.self_metrics.render(openmetrics=openmetrics)
        self._render_seconds = time.perf_counter() - start
        return page

    def not_ready(self) -> str | None:
        """Why no telemetry is taken now; None when it is."""
        if not self._open:
            return "the receivers are not open yet"
        return "no room for more spans" if self.core.full else None

    def _apply(self, settings: Settings) -> None:
        overrides = check_named_files(settings)
        self.core.configure(settings, overrides, self._clock())
        limits = receiver_limits(settings)
        for receiver in self._receivers:
            receiver.set_limits(limits)
        logging_setup.configure(settings.log)


def receiver_limits(settings: Settings) -> ReceiverLimits:
    """The bounds of the receivers as the settings have them."""
    receiver = settings.receiver
    return ReceiverLimits(
        max_body_bytes=receiver.max_body_bytes,
        max_decompressed_bytes=receiver.max_decompressed_bytes,
        max_held_bytes=receiver.max_held_bytes,
        max_connections=receiver.max_connections,
        max_concurrent_calls=receiver.max_concurrent_calls,
        body_seconds=receiver.body_seconds,
    )


async def _start(starting: Coroutine[Any, Any, _R], what: str, setting: str) -> _R:
    try:
        return await starting
    except ListenError as error:
        raise StartError(f"{what}: {error}; choose another address by {setting}") from error
    except WebConfigError as error:
        raise StartError(f"{what}: {error}") from error


def _web_config(path: str | None) -> WebConfig | None:
    if path is None:
        return None
    try:
        return WebConfig(Path(path))
    except WebConfigError as error:
        raise StartError(str(error)) from error


def _listening(what: str, listen: str, server: Running) -> None:
    _log.info("%s on %s", what, parse_listen(listen)._replace(port=server.port))
