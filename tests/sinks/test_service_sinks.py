"""The whole service with both sinks: what it takes arrives in both, and an outage of one leaves all else alone."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from e2e import harness
from e2e.test_service import Service, post, service, spans

from .conftest import Server
from .test_forward import Tempo

ITEMS = "genai_exporter_sink_items_total"


@contextlib.contextmanager
def tempo() -> Iterator[tuple[Tempo, asyncio.AbstractEventLoop]]:
    """A receiver for traces on a thread of its own, and the loop to start and stop it in."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    receiver = Tempo()
    try:
        on(loop, receiver.start())
        yield receiver, loop
    finally:
        on(loop, receiver.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def on(loop: asyncio.AbstractEventLoop, work: object) -> None:
    asyncio.run_coroutine_threadsafe(work, loop).result(harness.DEADLINE_SECONDS)  # type: ignore[arg-type]


def settings(server: Server, database: str, receiver: Tempo) -> str:
    return (
        "assembly: {settle_seconds: 0.2}\n"
        f"forward: {{endpoint: '{receiver.url}'}}\n"
        f"store: {{dsn: '{server.dsn(database)}', batch_seconds: 0.1, drain_seconds: 10}}\n"
    )


def took(running: Service, number: int) -> bytes:
    body = spans(number)
    assert post(f"http://{running.where('OTLP/HTTP')}/v1/traces", body).ok
    return body


def calls(server: Server, database: str) -> int:
    with psycopg.connect(server.dsn(database, "grafana")) as connection:
        row = connection.execute("SELECT count(*) FROM v_calls").fetchone()
        assert row
        return int(row[0])


def test_what_is_taken_arrives_in_both(tmp_path: Path, server: Server, database: str) -> None:
    with tempo() as (receiver, _), service(tmp_path, settings(server, database, receiver)) as running:
        sent = [took(running, number) for number in range(1, 6)]
        harness.wait_until("spans are forwarded", lambda: len(receiver.bodies) == 5)
        assert sorted(receiver.bodies) == sorted(sent)
        harness.wait_until(
            "calls are stored", lambda: running.page().total(ITEMS, sink="ledger", result="delivered") == 5
        )
        assert calls(server, database) == 5
        page = running.page()
        assert page.total(ITEMS, sink="forward", result="delivered") == 5
        assert page.by("sink", "genai_exporter_sink_up") == {"forward": 1, "ledger": 1}
        assert page.total("genai_exporter_sink_queue_items") == 0
        assert page.total("genai_exporter_sink_queue_limit_items", sink="forward") == 500_000
        assert page.select("llm_runaway_sessions_total") == []  # no session was named


def test_a_stop_delivers_what_was_taken_last(tmp_path: Path, server: Server, database: str) -> None:
    with tempo() as (receiver, _), service(tmp_path, settings(server, database, receiver)) as running:
        for number in range(1, 21):
            took(running, number)
        running.send_signal(signal.SIGTERM)
        assert running.process.wait(harness.STOP_SECONDS) == 0
        assert len(receiver.bodies) == 20
        assert calls(server, database) == 20
        assert "Traceback" not in running.log


def test_an_outage_of_both_is_survived_without_notice_by_the_metrics(
    tmp_path: Path, server: Server, database: str
) -> None:
    with tempo() as (receiver, loop), service(tmp_path, settings(server, database, receiver)) as running:
        took(running, 1)
        harness.wait_until("both work", lambda: receiver.bodies and calls_are(server, database, 1))
        on(loop, receiver.stop())
        server.admin(f"ALTER DATABASE {database} WITH ALLOW_CONNECTIONS false")
        server.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        for number in range(2, 12):
            took(running, number)
        harness.wait_until("both are down", lambda: not running.page().by("sink", "genai_exporter_sink_up"))
        harness.wait_until(
            "the metrics have it all",
            lambda: running.page().total("gen_ai_client_operation_duration_seconds_count") == 11,
        )
        assert requests.get(running.url("/-/ready"), timeout=10).ok
        assert running.page().by("sink", "genai_exporter_sink_queue_items") == {"forward": 10, "ledger": 10}
        server.admin(f"ALTER DATABASE {database} WITH ALLOW_CONNECTIONS true")
        on(loop, receiver.start())
        harness.wait_until("spans are forwarded", lambda: len(receiver.bodies) == 11)
        harness.wait_until("calls are stored", lambda: calls_are(server, database, 11))
        page = running.page()
        assert page.by("result", ITEMS) == {"delivered": 22}
        assert "Traceback" not in running.log


def calls_are(server: Server, database: str, count: int) -> bool:
    try:
        return calls(server, database) == count
    except psycopg.Error:  # not migrated yet
        return False


def test_without_sinks_none_is_shown(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        page = running.page()
        assert not [sample for sample in page.samples if "_sink_" in sample.name]
        assert "llm_session_cost_usd" not in page.text


def test_the_embedded_database_starts_and_stops_with_the_service(tmp_path: Path, data_dir: str) -> None:
    config = f"assembly: {{settle_seconds: 0.2}}\nstore: {{embedded: true, data_dir: '{data_dir}', batch_seconds: 0}}\n"
    for attempt in (1, 2):
        with service(tmp_path, config) as running:
            took(running, attempt)
            running.wait_for("embedded PostgreSQL is ready: psql")
            running.send_signal(signal.SIGTERM)
            assert running.process.wait(harness.STOP_SECONDS) == 0
            assert "Traceback" not in running.log
            assert running.log.rstrip().endswith("stopped")
        assert not (Path(data_dir) / "postgres" / "postmaster.pid").exists()
        with service(tmp_path, config):
            where = Server(str(Path(data_dir) / "postgres"))
            assert calls(where, "genai") == attempt


@pytest.mark.parametrize("fault", ["port", "folder"])
def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path, data_dir: str, fault: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1] if fault == "port" else 0
        folder = data_dir if fault == "port" else f"{data_dir}/{'x' * 120}"
        log = tmp_path / "log"
        environment = harness.clean_environment() | {
            "GENAI_EXPORTER_RECEIVER__HTTP__LISTEN": f"127.0.0.1:{port}",
            "GENAI_EXPORTER_RECEIVER__GRPC__LISTEN": "",
            "GENAI_EXPORTER_METRICS__LISTEN": "127.0.0.1:0",
            "GENAI_EXPORTER_STORE__EMBEDDED": "true",
            "GENAI_EXPORTER_STORE__DATA_DIR": folder,
        }
        command = [sys.executable, "-m", "genai_exporter", "serve"]
        with harness.started(command, log, environment) as process:
            assert process.wait(harness.STOP_SECONDS) == 1
        said = log.read_text()
        assert ("too long for a socket" if fault == "folder" else "OTLP/HTTP") in said
        assert "Traceback" not in said
        assert not (Path(data_dir) / "postgres" / "postmaster.pid").exists()
