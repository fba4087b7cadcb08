"""The demonstration as a user starts it: real processes, real HTTP, and figures that must be exact."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import wait_until
from genai_exporter.demo.child import Exporter, ExporterError, free_port
from genai_exporter.demo.figures import Figures, read

pytestmark = pytest.mark.e2e

COMMAND = [sys.executable, "-m", "genai_exporter"]
DEADLINE_S = 120
ANY_PORTS = (0, 0, 0)


@contextlib.contextmanager
def demo(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, "demo", "--rate", "20", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=DEADLINE_S)


def test_the_demonstration_ends_by_itself_with_exact_figures() -> None:
    """R10, R25, R44, R48: what is shown is what was sent, to the token."""
    with demo("--duration", "6", "--scenario", "provider_outage", "--scenario-after", "3") as process:
        output, errors = process.communicate(timeout=DEADLINE_S)
    assert errors == ""
    assert process.returncode == 0
    assert "Every figure is exactly what was sent." in output
    assert "TTFT p50/p95/p99" in output
    calls = re.search(r"^ calls +(\d[\d,]*)", output, re.MULTILINE)
    assert calls is not None
    assert int(calls[1].replace(",", "")) > 0
    assert re.search(r"[1-9][\d,]* spans received = .*, 0 pending", output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_demonstration_without_end_stops_cleanly_and_still_checks(number: signal.Signals) -> None:
    with demo() as process:
        assert process.stdout is not None
        while " calls, " not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        output, errors = process.communicate(timeout=DEADLINE_S)
    assert errors == ""
    assert process.returncode == 0
    assert "Every figure is exactly what was sent." in output


def settled(exporter: Exporter, sent: int) -> Figures | None:
    figures = read(exporter.page(), 0.0)
    return figures if figures.spans_received >= sent and not figures.spans_pending else None


def test_simulate_and_exporter_agree_over_real_http(tmp_path: Path) -> None:
    """R133: every call of every dialect, content off, in a fault."""
    summary_path = tmp_path / "summary.json"
    with Exporter(settle_s=1.0, preferred=ANY_PORTS) as exporter:
        flags = {
            "--endpoint": exporter.otlp_url,
            "--rate": "40",
            "--duration": "4",
            "--dialect": "otel-1.41,openllmetry-0.47",
            "--services": "old,older",
            "--scenario": "cost_explosion",
            "--summary-json": str(summary_path),
        }
        subprocess.run(
            [*COMMAND, "simulate", "--no-content", *(word for flag in flags.items() for word in flag)],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=DEADLINE_S,
        )
        truth = json.loads(summary_path.read_text())["services"]
        sent = sum(part["truth"]["spans"] for part in truth.values())
        figures = wait_until("every span has settled", lambda: settled(exporter, sent))
        assert set(figures.services) == {"old", "older"}
        for name, service in figures.services.items():
            for field in ("calls", "failed_calls", "input_tokens", "output_tokens", "cached_input_tokens"):
                assert getattr(service, field) == truth[name]["truth"][field]
        assert figures.spans_received == sent
        assert figures.books_balance


def test_a_port_that_is_taken_is_replaced_by_a_free_one() -> None:
    with Exporter(settle_s=1.0, preferred=ANY_PORTS) as exporter:
        taken = int(exporter.web_url.rpartition(":")[2])
        assert free_port(taken) not in {taken, 0}


def test_an_exporter_that_dies_is_reported_with_the_end_of_its_log() -> None:
    with Exporter(settle_s=1.0, preferred=ANY_PORTS) as exporter:
        assert exporter.page()
        os.kill(exporter.pid, signal.SIGKILL)
        error = wait_until("the exporter is gone", lambda: failure(exporter))
        assert str(error).startswith("the metrics page cannot be read")


def failure(exporter: Exporter) -> ExporterError | None:
    try:
        exporter.page()
    except ExporterError as error:
        return error
    return None
