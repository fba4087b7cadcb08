"""The exporter as a process of its own, as in production, on free ports of the loopback interface."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from types import TracebackType
from typing import Self

import requests

HOST = "127.0.0.1"
OTLP_HTTP_PORT, OTLP_GRPC_PORT, METRICS_PORT = 4318, 4317, 9464
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.1
LOG_TAIL = 2_000
SETTINGS_PREFIX = "GENAI_EXPORTER_"  # the demonstration runs on defaults, whatever the shell has set


class ExporterError(Exception):
    """The exporter did not start, or died. The text says why, with the end of its log."""


def free_port(preferred: int) -> int:
    """The preferred port, or another one when it is taken."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ExporterError(f"no port is free on {HOST}")


class Exporter:
    """Starts on entry, ready to receive; stops on exit. ExporterError when it does not come up."""

    def __init__(self, *, settle_s: float, preferred: tuple[int, int, int] | None = None) -> None:
        self._settle_s = settle_s
        wanted = preferred or (OTLP_HTTP_PORT, OTLP_GRPC_PORT, METRICS_PORT)
        self._http, self._grpc, self._metrics = (free_port(port) for port in wanted)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process that writes it
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between processes of one machine

    @property
    def pid(self) -> int:
        """Of the running process. ExporterError before it was started."""
        if self._process is None:
            raise ExporterError("the exporter was not started")
        return self._process.pid

    @property
    def otlp_url(self) -> str:
        return f"http://{HOST}:{self._http}"

    @property
    def otlp_grpc(self) -> str:
        return f"{HOST}:{self._grpc}"

    @property
    def web_url(self) -> str:
        return f"http://{HOST}:{self._metrics}"

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "genai_exporter", "serve"]
        command += ["--otlp-http-listen", f"{HOST}:{self._http}", "--otlp-grpc-listen", f"{HOST}:{self._grpc}"]
        command += ["--metrics-listen", f"{HOST}:{self._metrics}", "--settle-seconds", f"{self._settle_s:g}"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(SETTINGS_PREFIX)}
        # A session of its own: Ctrl-C is for the demonstration, which still wants to read the last figures.
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def page(self) -> str:
        """The metrics page. ExporterError when it cannot be had."""
        try:
            response = self._session.get(f"{self.web_url}/metrics", headers={"Accept": "text/plain"}, timeout=10)
            response.raise_for_status()
        except requests.RequestException as error:
            raise self._failed(f"the metrics page cannot be read ({error})") from error
        return response.text

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise self._failed("the exporter ended at once")
            try:
                if self._session.get(f"{self.web_url}/-/ready", timeout=2).ok:
                    return
            except requests.ConnectionError:
                pass  # not listening yet
            time.sleep(POLL_S)
        raise self._failed(f"the exporter was not ready after {START_TIMEOUT_S:.0f} s")

    def _failed(self, what: str) -> ExporterError:
        self._log.seek(0)
        log = self._log.read().decode(errors="replace").strip()
        return ExporterError(f"{what}\n{log[-LOG_TAIL:]}" if log else what)

    def _stop(self) -> None:
        self._session.close()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
