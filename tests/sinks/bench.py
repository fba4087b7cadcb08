"""How fast the ledger is written, next to plain inserts: ``PYTHONPATH=tests python -m sinks.bench [ROWS]``.

Processor time per row, of the client and of the server, in one interleaved run, and rows per second of wall time.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from genai_exporter.price.rates import Cost
from genai_exporter.records import Call, Settled
from genai_exporter.sinks.postgres import connect, embedded, load, migrate
from genai_exporter.sinks.postgres.batch import Batch, Entry, Filler, window
from genai_exporter.sinks.postgres.chores import Calendar
from genai_exporter.sinks.postgres.rows import COLUMNS, Formatter
from genai_exporter.sinks.postgres.users import user_ids

from .samples import call

ROUNDS = 3
BATCH_ROWS = 2_000
TICKS = os.sysconf("SC_CLK_TCK")


class Spent(NamedTuple):
    """Microseconds per row: of the client, of the server, of wall time."""

    client: float
    server: float
    wall: float


def calls(count: int, chance: random.Random) -> list[Call]:
    """Calls of the last hour, of some thousand sessions."""
    now = time.time_ns()
    return [
        msgspec.structs.replace(
            call(),
            trace_id=chance.randbytes(16),
            span_id=chance.randbytes(8),
            start_ns=now - chance.randrange(3_600 * 10**9),
            session=f"session-{chance.randrange(20_000)}",
            user=f"user-{chance.randrange(5_000)}",
            response_id=f"chatcmpl-{chance.randbytes(14).hex()}",
            input_tokens=chance.randrange(8_000),
        )
        for _ in range(count)
    ]


def batches(rows: list[Call]) -> list[Batch]:
    """The rows as the writer formats them."""
    formatter = Formatter(user_ids("hash", "key"))
    filler = Filler(formatter, window(time.time(), 30), steps=True, most_rows=BATCH_ROWS)
    cost = Cost(0.0123, "computed")
    for start in range(0, len(rows), 100):
        some = rows[start : start + 100]
        filler.add(Entry(Settled(some, [], [], []), [cost] * len(some), time.time(), len(some)))
    return filler.batches


def copied(connection: connect.Connection, rows: list[Call]) -> None:
    """As the ledger does it, from records to committed rows, with session totals and deployments."""
    calendar = Calendar()
    for batch in batches(rows):
        calendar.ensure(connection, batch.days)
        with connection.transaction():
            load.load(connection, batch)


def inserted(connection: connect.Connection, rows: list[Call]) -> None:
    """The plain way: ``executemany`` of INSERT .. ON CONFLICT, without session totals or deployments."""
    columns = COLUMNS["calls"]
    holes = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO calls ({', '.join(columns)}) VALUES ({holes}) ON CONFLICT DO NOTHING"
    for start in range(0, len(rows), BATCH_ROWS):
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(statement, [values(one) for one in rows[start : start + BATCH_ROWS]])


def values(one: Call) -> tuple[object, ...]:
    """The values of a row in the order of the columns."""
    moment = time.gmtime(one.start_ns // 10**9)
    own = {
        "day": time.strftime("%Y-%m-%d", moment),
        "started_at": f"{time.strftime('%Y-%m-%d %H:%M:%S', moment)}.{one.start_ns % 10**9 // 1000:06}+00",
        "cost_usd": 0.0123,
        "cost_source": "computed",
        "user_id": one.user,
    }
    return tuple(own[name] if name in own else getattr(one, name) for name in COLUMNS["calls"])


def measured(connection: connect.Connection, write: Callable[[connect.Connection, list[Call]], None], n: int) -> Spent:
    """Write ``n`` new rows."""
    rows = calls(n, random.Random(time.time_ns()))
    Calendar().ensure(connection, set().union(*(batch.days for batch in batches(rows))))
    server = server_seconds(connection)
    wall, client = time.perf_counter(), time.process_time()
    write(connection, rows)
    client, wall = time.process_time() - client, time.perf_counter() - wall
    return Spent(client / n * 1e6, (server_seconds(connection) - server) / n * 1e6, wall / n * 1e6)


def server_seconds(connection: connect.Connection) -> float:
    """Processor time of the server's process behind the connection."""
    fields = Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main(arguments: list[str]) -> int:
    """Run and print."""
    rows = int(arguments[0]) if arguments else 40_000
    ways = {"the ledger": copied, "plain inserts": inserted}
    spent: dict[str, list[Spent]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory(prefix="genai-bench-") as folder:
        server = embedded.start(folder)
        try:
            with connect.connect(server.dsn, 60) as connection:
                migrate.migrate(connection)
                load.prepare(connection)
                for _ in range(ROUNDS):
                    for name, write in ways.items():
                        connection.execute("TRUNCATE calls, sessions, deployments")
                        spent[name].append(measured(connection, write, rows))
        finally:
            server.stop()
    print(f"{'':15}{'client us/row':>15}{'server us/row':>15}{'rows/s wall':>13}{'rows/s a core of the client':>29}")
    middle = {
        name: Spent(*(statistics.median(column) for column in zip(*runs, strict=True))) for name, runs in spent.items()
    }
    for name, one in middle.items():
        print(f"{name:15}{one.client:15.1f}{one.server:15.1f}{1e6 / one.wall:13,.0f}{1e6 / one.client:29,.0f}")
    one, other = middle["the ledger"], middle["plain inserts"]
    print(f"client and server together: {(other.client + other.server) / (one.client + one.server):.1f} times cheaper")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
