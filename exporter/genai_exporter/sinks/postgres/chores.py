"""What the ledger needs now and then: the partitions of the coming days, and an end of those that are too old."""

from __future__ import annotations

import logging
from typing import Final

import psycopg

from .batch import TABLES, Window
from .connect import Connection
from .rows import Days

_log = logging.getLogger(__name__)

#: A partition is made before its first row comes, so that no row waits for it at midnight.
_DAYS_AHEAD: Final = 2
_SESSIONS_AT_ONCE: Final = 10_000
_RETENTION_LOCK: Final = 7_236_114_870_212
_LOCK_TIMEOUT: Final = "2s"

_FORGET_SESSIONS: Final = """
DELETE FROM sessions WHERE (service, environment, session) IN (
    SELECT service, environment, session FROM sessions
    WHERE last_at < %s::date::timestamp AT TIME ZONE 'UTC' LIMIT %s
)
"""


class Calendar:
    """The partitions that exist, as far as this process knows. Belongs to the writer's thread."""

    def __init__(self) -> None:
        self._have: set[tuple[str, int]] = set()
        self._days = Days()

    def forget(self) -> None:
        """Ask the database again: it is another one, or somebody dropped a partition."""
        self._have.clear()

    def ensure(self, connection: Connection, wanted: set[tuple[str, int]]) -> None:
        """Make the partitions of the wanted tables and days, in days since 1970, that are missing."""
        for table, day in sorted(wanted - self._have):
            with connection.transaction():
                made = connection.execute("SELECT ledger_add_day(%s, %s)", (table, self._days[day])).fetchone()
            self._have.add((table, day))
            if made and made[0]:
                _log.debug("ledger: %s has a partition for %s", table, self._days[day])

    def ahead(self, connection: Connection, span: Window) -> None:
        """Make the partitions of today and the next days. ``span`` ends tomorrow."""
        today = span.last - 1
        self.ensure(connection, {(table, today + ahead) for table in TABLES for ahead in range(_DAYS_AHEAD + 1)})

    def retire(self, connection: Connection, span: Window) -> None:
        """Drop the days before ``span``. Gives way to whoever reads them now: the next time will do."""
        first = self._days[span.first]
        for table in TABLES:
            try:
                with connection.transaction():
                    connection.execute("SELECT set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
                    if not _mine(connection):
                        return
                    dropped = connection.execute("SELECT ledger_drop_days(%s, %s)", (table, first)).fetchone()
            except psycopg.errors.LockNotAvailable:
                _log.info("ledger: %s is being read; days before %s are dropped later", table, first)
                continue
            if dropped and dropped[0]:
                _log.info("ledger: %d days of %s before %s dropped", dropped[0], table, first)
        self._have = {(table, day) for table, day in self._have if day >= span.first}
        with connection.transaction():
            if _mine(connection):
                connection.execute(_FORGET_SESSIONS, (first, _SESSIONS_AT_ONCE))


def _mine(connection: Connection) -> bool:
    """Whether this transaction is the only one that drops anything now."""
    found = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_RETENTION_LOCK,)).fetchone()
    return bool(found and found[0])
