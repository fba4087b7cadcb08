"""A web configuration in use: read again whenever the file, a certificate or the list of tokens changes."""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import grpc
import msgspec

from genai_exporter.server import tls
from genai_exporter.server.credentials import Gate, Verdict
from genai_exporter.server.webfile import TlsConfig, WebConfigError, WebSettings, read_web_config

__all__ = ["WebConfig", "WebConfigError"]

RETRY_S: Final = 1.0

_log = logging.getLogger(__name__)
_Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]


class _Loaded(msgspec.Struct, frozen=True):
    settings: WebSettings
    context: ssl.SSLContext | None
    pem: tls.Pem | None
    stamp: _Stamp


class WebConfig:
    """TLS, headers and accounts of one or more listeners.

    A change takes effect with the next request or connection. A change that cannot be used is logged, shown by
    ``problem``, and leaves the last good state in force. TLS cannot be switched on or off without a restart.
    """

    def __init__(self, path: str | Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file. Raises WebConfigError."""
        self._path = Path(path)
        self._clock = clock
        self._gate = Gate()
        self._lock = threading.Lock()  # gRPC asks for certificates from threads of its own
        self._retry_at = 0.0
        self._serves_grpc = False
        self.problem: str | None = None
        self._loaded = self._load()

    @property
    def encrypted(self) -> bool:
        """Whether connections are encrypted."""
        return self._loaded.context is not None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Headers that every response gets, in place of the defaults of the same name."""
        return self._current().settings.headers

    @property
    def challenges(self) -> list[str]:
        """Values of WWW-Authenticate for a request that is refused."""
        return self._loaded.settings.accounts.challenges

    async def check(self, authorization: str | None) -> Verdict:
        """Decide about a request by its Authorization header (None when it has none)."""
        return await self._gate.check(authorization, self._current().settings.accounts)

    def ssl_context(self) -> ssl.SSLContext | None:
        """A context for a listener, which follows later changes; None when TLS is not configured."""
        return tls.LiveContext(self._context) if self.encrypted else None

    def grpc_credentials(self) -> grpc.ServerCredentials | None:
        """The same for a gRPC listener. Raises WebConfigError for what gRPC cannot do."""
        settings = self._loaded.settings
        if settings.tls is None:
            return None
        tls.check_for_grpc(settings.tls)
        self._serves_grpc = True
        return tls.grpc_credentials(self._pem)

    def _context(self) -> ssl.SSLContext:
        context = self._current().context
        assert context is not None, "TLS does not change during a run"
        return context

    def _pem(self) -> tls.Pem:
        pem = self._current().pem
        assert pem is not None, "TLS does not change during a run"
        return pem

    def _current(self) -> _Loaded:
        loaded = self._loaded
        if _stamp(loaded.settings.files) == loaded.stamp and self.problem is None:
            return loaded
        with self._lock:
            if self._clock() >= self._retry_at:
                self._reload()
            return self._loaded

    def _reload(self) -> None:
        try:
            fresh = self._load()
            self._check_change(fresh.settings.tls)
        except WebConfigError as error:
            self._retry_at = self._clock() + RETRY_S
            if str(error) != self.problem:
                _log.error("web configuration not reloaded, the last good one stays in force: %s", error)
            self.problem = str(error)
            return
        _log.info("web configuration %s reloaded", self._path)
        self.problem = None
        self._retry_at = 0.0
        self._loaded = fresh

    def _check_change(self, new: TlsConfig | None) -> None:
        old = self._loaded.settings.tls
        if (new is None) != (old is None):
            raise WebConfigError(f"{self._path}: tls_server_config cannot be added or removed without a restart")
        if new is None or old is None or not self._serves_grpc:
            return
        tls.check_for_grpc(new)
        if bool(new.client_ca_file) != bool(old.client_ca_file):
            raise WebConfigError(f"{self._path}: with gRPC, client_auth_type cannot be changed without a restart")

    def _load(self) -> _Loaded:
        # The stamp is taken between two readings, so a change while reading shows as a difference at the next look.
        files = read_web_config(self._path).files
        stamp = _stamp(files)
        settings = read_web_config(self._path)
        context = pem = None
        if settings.tls is not None:
            pem = tls.read_pem(settings.tls)
            context = tls.server_context(settings.tls)
        return _Loaded(settings=settings, context=context, pem=pem, stamp=stamp)


def _stamp(files: tuple[str, ...]) -> _Stamp:
    return tuple(_stamp_of(file) for file in files)


def _stamp_of(file: str) -> tuple[int, int, int] | None:
    try:
        seen = os.stat(file)
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
