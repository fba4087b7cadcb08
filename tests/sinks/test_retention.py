"""Days come before their first row and go when they are too old; time ranges are answered by their days alone."""

from __future__ import annotations

import datetime as dt

import psycopg

from .conftest import Server
from .samples import NOW, Book, call, score, step, thumb, wait_until

DAY = 86_400
PARTITIONS = """
SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = %s::regclass ORDER BY 1
"""


def days(book: Book, table: str = "calls") -> list[int]:
    """The partitions of a table, in days from today."""
    today = dt.datetime.fromtimestamp(NOW, dt.UTC).date()
    return [(dt.datetime.strptime(name, "%Y%m%d").date() - today).days for (name,) in book.ask(PARTITIONS, table)]


def test_the_next_days_are_there_before_they_come(dsn: str) -> None:
    with Book(dsn) as book:
        for table in ("calls", "steps", "scores", "feedback"):
            wait_until("the days are there", lambda table=table: tables_ready(book, table))
            assert days(book, table) == [0, 1, 2]


def tables_ready(book: Book, table: str) -> bool:
    try:
        return len(days(book, table)) == 3
    except psycopg.errors.UndefinedTable:
        return False


def test_old_days_and_old_sessions_go(dsn: str) -> None:
    with Book(dsn, retention_days=30) as book:
        for ago in (29, 28, 1, 0):
            old = call(start_ns=int((NOW - ago * DAY) * 1e9), session=f"s-{ago}")
            book.take(old, step(start_ns=old.start_ns), score(old), thumb(old))
        book.written()
        assert set(days(book)) >= {-29, -28, -1, 0}
        assert book.one("SELECT count(*) FROM sessions") == 4
    with Book(dsn, retention_days=2) as later:
        wait_until("old days are gone", lambda: min(days(later)) == -1)
        wait_until("old sessions are gone", lambda: later.one("SELECT count(*) FROM sessions") == 2)
        for table in ("calls", "steps", "scores", "feedback"):
            wait_until("old days are gone", lambda table=table: min(days(later, table)) >= -1)
            assert later.one(f"SELECT count(*) FROM {table}") == 2
        assert later.one("SELECT count(*) FROM deployments") == 1  # the trail of what changed stays


def test_who_reads_an_old_day_is_not_disturbed_and_does_not_hold_up_the_ledger(dsn: str) -> None:
    with Book(dsn) as book:
        book.take(call(start_ns=int((NOW - 20 * DAY) * 1e9)))
        book.written()
    with psycopg.connect(dsn) as reader:
        assert reader.execute("SELECT count(*) FROM calls").fetchone() == (1,)  # and the transaction stays open
        with Book(dsn, retention_days=5) as later:
            later.take(call())
            later.written()
            assert later.items == {"delivered": 1}
            assert -20 in days(later)
            assert later.ledger.stats.up


def test_a_time_range_touches_its_own_days_only(server: Server, database: str) -> None:
    with Book(server.dsn(database)) as book:
        for ago in range(10):
            book.take(call(start_ns=int((NOW - ago * DAY) * 1e9)))
        book.written()
        start = dt.datetime.fromtimestamp(NOW - 3 * DAY - 3600, dt.UTC).isoformat()
        end = dt.datetime.fromtimestamp(NOW - 3 * DAY + 3600, dt.UTC).isoformat()
        plan = book.ask(f"EXPLAIN SELECT sum(cost_usd) FROM v_calls WHERE started_at BETWEEN '{start}' AND '{end}'")
    scanned = {line.split(" on ")[1].split()[0] for (line,) in plan if " on calls" in line}
    assert len(scanned) == 1
