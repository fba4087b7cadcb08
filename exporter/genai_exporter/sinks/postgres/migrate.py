"""Brings the tables of the ledger up to date: numbered SQL files, each applied once, by one process at a time."""

from __future__ import annotations

import functools
import hashlib
import logging
from importlib import resources
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from .connect import Connection

_log = logging.getLogger(__name__)

#: Any number that no other program uses for an advisory lock in the same database.
LOCK: Final = 7_236_114_870_211
ROLES: Final = "roles.sql"
_LOCK_SECONDS: Final = 60


class SchemaError(Exception):
    """The tables are not those that this version can write to. One line that says why and what to do."""


class Migration(NamedTuple):
    """One SQL file: ``0001_ledger.sql`` is version 1, ``ledger``. ``checksum`` is of its text."""

    version: int
    name: str
    text: str
    checksum: str


@functools.cache
def migrations() -> tuple[Migration, ...]:
    """All migrations in order."""
    found = []
    for file in resources.files(__package__).joinpath("migrations").iterdir():
        number, _, name = file.name.removesuffix(".sql").partition("_")
        text = file.read_text(encoding="utf-8")
        found.append(Migration(int(number), name, text, hashlib.sha256(text.encode()).hexdigest()))
    found.sort()
    assert [one.version for one in found] == list(range(1, len(found) + 1)), "a migration is missing"
    return tuple(found)


def applied(connection: Connection) -> dict[int, str]:
    """The checksum of each migration that the database has, by version; none where there is no ledger yet."""
    with connection.transaction():
        known = connection.execute("SELECT to_regclass('schema_migrations')").fetchone()
        if known is None or known[0] is None:
            return {}
        return dict(connection.execute("SELECT version, checksum FROM schema_migrations").fetchall())


def check(connection: Connection) -> None:
    """Raise SchemaError unless the database has exactly the migrations of this version."""
    missing = _pending(applied(connection))
    if missing:
        raise SchemaError(
            f"the tables are {len(missing)} migrations behind: run `genai-exporter store migrate` as their owner"
        )


def migrate(connection: Connection) -> list[Migration]:
    """Apply what is missing, then the rights of the roles; returns what was applied.

    Several processes may do this at once: one works, the others wait for it. Raises SchemaError when the database was
    migrated by a newer version or a migration was changed after it was applied, psycopg.Error when the server refuses.
    """
    done: list[Migration] = []
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{_LOCK_SECONDS}s",))
        connection.execute("SELECT set_config('statement_timeout', '0', true)")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        _pin_schema(connection)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL, "
            "checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        connection.execute("COMMENT ON TABLE schema_migrations IS 'Which migrations this database has.'")
        for migration in _pending(applied(connection)):
            connection.execute(sql.SQL(migration.text))
            connection.execute(
                "INSERT INTO schema_migrations (version, name, checksum) VALUES (%s, %s, %s)",
                (migration.version, migration.name, migration.checksum),
            )
            done.append(migration)
        _grant(connection)
    for migration in done:
        _log.info("ledger migrated to version %d (%s)", migration.version, migration.name)
    return done


def _pin_schema(connection: Connection) -> None:
    """Name things in the current schema only, which is also what the functions made here will do for ever."""
    found = connection.execute("SELECT current_schema()").fetchone()
    schema = found[0] if found else None
    if schema is None:
        raise SchemaError("no schema of the search path exists; the ledger's tables have no place")
    connection.execute(sql.SQL("SET LOCAL search_path TO {}, pg_temp").format(sql.Identifier(schema)))


def _pending(have: dict[int, str]) -> list[Migration]:
    known = migrations()
    if have and max(have) > len(known):
        raise SchemaError(
            f"the tables are at version {max(have)}, this exporter knows up to {len(known)}: upgrade the exporter"
        )
    changed = [one for one in known if one.version in have and have[one.version] != one.checksum]
    if changed:
        raise SchemaError(f"migration {changed[0].version} is not the one that this database has: it was edited since")
    return [one for one in known if one.version not in have]


def _grant(connection: Connection) -> None:
    """Set the rights of the roles. Who may not do that has them set by somebody else."""
    text = resources.files(__package__).joinpath(ROLES).read_text(encoding="utf-8")

    def noticed(diagnostic: psycopg.errors.Diagnostic) -> None:
        _log.info("ledger: %s", diagnostic.message_primary)

    connection.add_notice_handler(noticed)
    try:
        connection.execute(sql.SQL(text))
    finally:
        connection.remove_notice_handler(noticed)
