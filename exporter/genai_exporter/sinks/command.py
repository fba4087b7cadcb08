"""``genai-exporter store``: look after the ledger in PostgreSQL."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from genai_exporter.config import ConfigError, Settings, load

if TYPE_CHECKING:
    from .postgres.connect import Connection

OK, FAILED, USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done."""
    parser.add_argument(
        "action",
        choices=("migrate", "status", "describe"),
        help="migrate: bring the tables up to date, as their owner; status: what the database has; "
        "describe: the tables as Markdown",
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file (default: GENAI_EXPORTER_CONFIG, else none)")


def run(args: argparse.Namespace) -> int:
    """Do it on the database that the settings name. Returns the exit status."""
    try:
        settings = load(args.config)
        if not settings.store.wanted:
            raise ConfigError(["store: no database is configured: set store.dsn_file, store.dsn or store.embedded"])
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    return _run(args.action, settings)


def _run(action: str, settings: Settings) -> int:
    import psycopg  # noqa: PLC0415 (the driver is an extra)

    from .postgres.embedded import EmbeddedError  # noqa: PLC0415
    from .postgres.migrate import SchemaError  # noqa: PLC0415

    actions: dict[str, Callable[[Connection], int]] = {"migrate": _migrate, "status": _status, "describe": _describe}
    try:
        with _database(settings) as connection:
            return actions[action](connection)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    except (psycopg.Error, SchemaError, EmbeddedError) as error:
        print(f"store {action}: {str(error).strip()}", file=sys.stderr)
        return FAILED


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[Connection]:
    """A connection; to an embedded server that runs for as long as it is needed."""
    from .postgres import connect, embedded  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        if settings.store.embedded:
            server = embedded.start(settings.store.data_dir)
            stack.callback(server.stop)
            dsn = server.dsn
        else:
            dsn = connect.connection_string(settings.store)
        connection = connect.connect(dsn, settings.store.timeout_seconds)
        stack.callback(connection.close)
        yield connection


def _migrate(connection: Connection) -> int:
    from .postgres.migrate import migrate  # noqa: PLC0415

    done = migrate(connection)
    for migration in done:
        print(f"applied {migration.version} {migration.name}")
    print(f"{len(done)} migrations applied")
    return OK


def _status(connection: Connection) -> int:
    """Print versions and sizes; 1 when the tables are not those of this version."""
    from .postgres.migrate import SchemaError, applied, check, migrations  # noqa: PLC0415

    have = applied(connection)
    print(f"version {max(have, default=0)}, this exporter writes version {len(migrations())}")
    try:
        check(connection)
    except SchemaError as error:
        print(error)
        return FAILED
    for table in ("calls", "steps", "scores", "feedback"):
        row = connection.execute(
            "SELECT count(*), min(relname), max(relname), "
            "pg_size_pretty(coalesce(sum(pg_total_relation_size(c.oid)), 0)) "
            "FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
            (table,),
        ).fetchone()
        assert row is not None
        days, first, last, size = row
        span = f", {first[-8:]} to {last[-8:]}" if days else ""
        print(f"{table}: {days} days{span}, {size}")
    return OK


def _describe(connection: Connection) -> int:
    from .postgres.describe import describe  # noqa: PLC0415

    print(describe(connection), end="")
    return OK
