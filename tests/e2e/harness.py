"""Real processes for the end-to-end tests: the exporter, an application, Prometheus; and the reading of their pages."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from genai_exporter import catalogue

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.05
STOP_SECONDS = 20.0
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
HERE = Path(__file__).resolve().parent

Answer = TypeVar("Answer")


def wait_until(what: str, ask: Callable[[], Answer | None], seconds: float = DEADLINE_SECONDS) -> Answer:
    """Asks until the answer is true and returns it; fails with ``what`` and the last answer after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last answer: {answer!r}")
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def started(command: Sequence[str | Path], log: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that is stopped at the end, politely first; both its output streams go to ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def clean_environment() -> dict[str, str]:
    """The environment without anything that would configure the programs under test, and without proxies."""
    unwanted = ("OTEL_", "GENAI_EXPORTER_", "ANTHROPIC_", "OPENAI_", "TRACELOOP_", "OPENINFERENCE_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    return {key: value for key, value in kept.items() if key.lower() not in proxies} | {"NO_PROXY": "*"}


class Page:
    """One reading of a metrics page in OpenMetrics, parsed strictly."""

    def __init__(self, text: str) -> None:
        self.text = text
        families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        self.samples: list[Sample] = [sample for family in families for sample in family.samples]

    def select(self, name: str, **labels: str) -> list[Sample]:
        wanted = labels.items()
        return [s for s in self.samples if s.name == name and all(s.labels.get(k) == v for k, v in wanted)]

    def total(self, name: str, **labels: str) -> float:
        return sum(sample.value for sample in self.select(name, **labels))

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Sums per value of ``label``, without those that are 0."""
        sums: dict[str, float] = {}
        for sample in self.select(name, **labels):
            sums[sample.labels[label]] = sums.get(sample.labels[label], 0.0) + sample.value
        return {value: total for value, total in sums.items() if total}


class Exporter:
    """A running ``genai-exporter serve``."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log
        self.otlp_url = ""
        self.grpc_address = ""
        self.web_url = ""

    def find_addresses(self) -> bool:
        """Reads from its log where it listens; True when all three are known."""
        if self.process.poll() is not None:
            raise AssertionError(f"genai-exporter ended with {self.process.returncode}:\n{self.log.read_text()}")
        where = dict(re.findall(r"(metrics page|OTLP/HTTP|OTLP/gRPC) on ([\d.]+:\d+)", self.log.read_text()))
        self.otlp_url = f"http://{where.get('OTLP/HTTP')}"
        self.grpc_address = where.get("OTLP/gRPC", "")
        self.web_url = f"http://{where.get('metrics page')}"
        return len(where) == len(("web", "http", "grpc"))

    def ready(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{self.web_url}/-/ready", timeout=10).ok
        return False

    def page(self) -> Page:
        answer = requests.get(f"{self.web_url}/metrics", headers={"Accept": OPENMETRICS}, timeout=30)
        answer.raise_for_status()
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        return Page(answer.text)

    def settled(self, spans: int) -> Page:
        """The page once ``spans`` spans in all have arrived and every trace has settled, with the books checked."""

        def all_settled() -> Page | None:
            page = self.page()
            arrived = page.total(catalogue.SPANS_RECEIVED.name)
            pending = page.total(catalogue.PENDING_SPANS.name)
            return page if arrived >= spans and not pending else None

        first: Page = wait_until(f"{spans} spans settled", all_settled)
        received = first.total(catalogue.SPANS_RECEIVED.name)
        assert first.total(catalogue.SPANS.name) == received == spans
        # A counter that had never been scraped is shown as 0 once before it rises, so only the next page is complete.
        return self.page()


@contextlib.contextmanager
def exporter(folder: Path, *flags: str, settle_seconds: float = 0.5) -> Iterator[Exporter]:
    """Starts ``genai-exporter serve`` on ports of the system's choice and waits until it is ready."""
    any_port = "127.0.0.1:0"
    command = [sys.executable, "-m", "genai_exporter", "serve"]
    command += ["--otlp-http-listen", any_port, "--otlp-grpc-listen", any_port, "--metrics-listen", any_port]
    command += ["--settle-seconds", str(settle_seconds), *flags]
    log = folder / "exporter.log"
    with started(command, log, clean_environment()) as process:
        running = Exporter(process, log)
        wait_until(f"genai-exporter says where it listens, see {log}", running.find_addresses)
        wait_until("genai-exporter is ready", running.ready)
        yield running


class AppRun(NamedTuple):
    """``errors`` has, for each case, the exception that the application met or ``None``; ``page`` the metrics that it
    served itself, when it was told to."""

    errors: list[str | None]
    page: Page | None


def run_app(libraries: str, provider_url: str, otlp_url: str, service: str, cases: Sequence[str]) -> AppRun:
    """Runs the application of ``app.py`` to its end."""
    done = subprocess.run(
        [sys.executable, HERE / "app.py", libraries, provider_url, otlp_url, service, *cases],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *outcomes, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert [outcome["case"] for outcome in outcomes] == list(cases), done.stdout + done.stderr
    return AppRun([outcome["error"] for outcome in outcomes], Page(last["page"]) if last["page"] else None)


class Prometheus:
    """A running Prometheus that scrapes one target every second."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ready(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/-/ready", timeout=10).ok
        return False

    def ask(self, path: str, **parameters: str) -> Any:
        """The ``data`` of an answer of its HTTP API."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        body = answer.json()
        assert body["status"] == "success", body
        assert not body.get("warnings"), body
        return body["data"]

    def query(self, expression: str) -> dict[tuple[tuple[str, str], ...], float]:
        """An instant query: the value of each series, by its sorted labels."""
        result = self.ask("query", query=expression)["result"]
        return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in result}

    def value(self, expression: str) -> float | None:
        """The value of an expression with one series or none."""
        values = list(self.query(expression).values())
        assert len(values) <= 1, values
        return values[0] if values else None


@contextlib.contextmanager
def prometheus(binary: Path, target: str, folder: Path) -> Iterator[Prometheus]:
    """Starts Prometheus with exemplar storage, scraping ``target`` (host:port)."""
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "genai-exporter", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    log = folder / "prometheus.log"
    command: list[str | Path] = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        "--enable-feature=exemplar-storage",
    ]
    with started(command, log, clean_environment()) as process:

        def address() -> str:
            assert process.poll() is None, log.read_text()
            found = re.search(r'"?Listening on"?,? .*address"?[=:]"?([\d.]+:\d+)', log.read_text())
            return found.group(1) if found else ""

        running = Prometheus(f"http://{wait_until(f'Prometheus listens, see {log}', address)}")
        wait_until("Prometheus answers queries", running.ready)
        wait_until("Prometheus has scraped its target", lambda: running.value("up") == 1)
        yield running
