"""A real ``genai-exporter serve`` in a process of its own, and what the kernel says about that process."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", re.ASCII)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Labels = frozenset[tuple[str, str]]


class Scrape:
    """One reading of /metrics: sums over series."""

    def __init__(self, text: str) -> None:
        self.lines = 0
        self._samples: dict[str, list[tuple[Labels, float]]] = defaultdict(list)
        for line in text.splitlines():
            found = _SAMPLE.match(line)
            if found:
                self.lines += 1
                labels = frozenset(_LABEL.findall(found[2] or ""))
                self._samples[found[1]].append((labels, float(found[3])))

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples called ``name`` that carry all of ``labels``; 0 without any."""
        wanted = set(labels.items())
        return sum(value for have, value in self._samples[name] if wanted <= have)


class Service:
    """Starts the service on free loopback ports, waits until it is ready, ends it with SIGTERM on exit.

    Raises RuntimeError with the end of the service's log when it does not come up or does not end cleanly.
    """

    def __init__(self, *, environment: dict[str, str] | None = None, flags: tuple[str, ...] = ()) -> None:
        self.http_port, self.metrics_port, grpc_port = _free_ports(3)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed in __exit__
        command = [str(Path(sys.executable).with_name("genai-exporter")), "serve"]
        command += ["--otlp-http-listen", f"127.0.0.1:{self.http_port}", "--otlp-grpc-listen", f"127.0.0.1:{grpc_port}"]
        command += ["--metrics-listen", f"127.0.0.1:{self.metrics_port}", *flags]
        self._process = subprocess.Popen(
            command, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )

    def __enter__(self) -> Self:
        try:
            self._wait_until_ready(time.monotonic() + 60)
        except BaseException:
            self._process.kill()
            self._process.wait()
            self._log.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            status = self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            status = -9
        tail = self._tail()
        self._log.close()
        if status != 0 and error is None:
            raise RuntimeError(f"the service ended with status {status}:\n{tail}")

    def cpu_seconds(self) -> float:
        """User and system time of the service so far, children included."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / TICKS

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * PAGE

    def scrape(self) -> Scrape:
        return Scrape(self._get("/metrics"))

    def settled(self, spans: int, seconds: float = 90.0) -> Scrape:
        """The first reading in which ``spans`` spans have been accounted for, whatever became of them.

        Returns the last reading when that does not happen within ``seconds``: the caller compares and reports.
        """
        deadline = time.monotonic() + seconds
        while True:
            reading = self.scrape()
            if reading.total("genai_exporter_spans_total") >= spans or time.monotonic() > deadline:
                return reading
            time.sleep(0.25)

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=30) as answer:
            return str(answer.read().decode())

    def _wait_until_ready(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the service ended with status {self._process.returncode}:\n{self._tail()}")
            try:
                self._get("/-/ready")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"the service was not ready in time:\n{self._tail()}")

    def _tail(self) -> str:
        self._log.seek(0)
        return self._log.read()[-4000:].decode(errors="replace")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
