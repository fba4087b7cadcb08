"""The sinks that the settings ask for, and their life beside the service's."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import logging
from typing import TYPE_CHECKING

from genai_exporter.config import ConfigError, Settings
from genai_exporter.core import Core
from genai_exporter.server.running import PipelinePort

from .forward import Forwarder, ForwardingPipeline
from .stats import SinkStats

if TYPE_CHECKING:
    from .postgres.embedded import Embedded
    from .postgres.sessions import SessionBoard
    from .postgres.writer import Ledger

_log = logging.getLogger(__name__)


class SinkError(Exception):
    """A sink cannot be started. One line that says why."""


class Sinks:
    """What is configured of forwarder and ledger. All methods belong to the service's event loop."""

    def __init__(self, settings: Settings, core: Core) -> None:
        """Raises ConfigError when a package or a file that the settings ask for cannot be used."""
        self._settings = settings
        self._core = core
        self.forwarder = Forwarder(settings.forward) if settings.forward.endpoint is not None else None
        self.ledger: Ledger | None = None
        self._board: SessionBoard | None = None
        self._embedded: Embedded | None = None
        self._stopped = False
        if settings.store.wanted:
            self._check_store()

    def _check_store(self) -> None:
        if importlib.util.find_spec("psycopg") is None:
            raise ConfigError(["store: needs the driver for PostgreSQL: pip install 'genai-exporter[postgres]'"])
        from .postgres.connect import connection_string  # noqa: PLC0415

        if not self._settings.store.embedded:
            connection_string(self._settings.store)

    async def start(self) -> None:
        """Begin. Raises SinkError when the embedded PostgreSQL does not start; a sink that is down is no error."""
        if self.forwarder is not None:
            await self.forwarder.start()
        if self._settings.store.wanted:
            await self._start_ledger()

    async def _start_ledger(self) -> None:
        from .postgres.connect import connection_string  # noqa: PLC0415
        from .postgres.embedded import EmbeddedError, start  # noqa: PLC0415
        from .postgres.sessions import SessionBoard  # noqa: PLC0415
        from .postgres.writer import Ledger  # noqa: PLC0415

        settings = self._settings.store
        dsn = functools.partial(connection_string, settings)
        if settings.embedded:
            try:
                self._embedded = embedded = await asyncio.to_thread(start, settings.data_dir)
            except EmbeddedError as error:
                raise SinkError(str(error)) from error
            _log.info('embedded PostgreSQL is ready: psql "%s"', embedded.dsn)
            dsn = functools.partial(str, embedded.dsn)
        self._board = SessionBoard(self._core.store, self._settings.metrics.dimensions)
        self.ledger = Ledger(settings, dsn, self._board)
        self._core.recorder.on_settled = self.ledger.offer
        self.ledger.start()

    def before(self, pipeline: PipelinePort) -> PipelinePort:
        """``pipeline``, or one that forwards what it takes."""
        return ForwardingPipeline(pipeline, self.forwarder) if self.forwarder is not None else pipeline

    def stats(self) -> list[SinkStats]:
        """Of each sink that is configured."""
        return [sink.stats for sink in (self.forwarder, self.ledger) if sink is not None]

    def tick(self, now: float) -> None:
        """Show what the ledger found."""
        if self._board is not None:
            self._board.tick(now)

    async def drain(self) -> None:
        """Deliver what waits, each sink within its time, both at once, and stop them."""
        await self._stop(self._settings.forward.drain_seconds, self._settings.store.drain_seconds)

    async def _stop(self, forward_seconds: float, store_seconds: float) -> None:
        if self._stopped:
            return
        self._stopped = True
        async with asyncio.TaskGroup() as group:
            if self.forwarder is not None:
                group.create_task(self.forwarder.stop(forward_seconds))
            if self.ledger is not None:
                group.create_task(asyncio.to_thread(self.ledger.stop, store_seconds))

    async def close(self) -> None:
        """Stop whatever still runs: sinks that were not drained at once, then the embedded PostgreSQL."""
        await self._stop(0.0, 0.0)
        embedded, self._embedded = self._embedded, None
        if embedded is not None:
            await asyncio.to_thread(embedded.stop)
            _log.info("embedded PostgreSQL has stopped")
