"""The thread that writes the ledger.

What settled is handed over with one append. The thread gathers it into batches, keeps what it has in hand until the
database has it, and waits out an outage with growing pauses. A row that the database refuses is found by halving its
batch, counted and left out; the others are written.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import psycopg

from genai_exporter.config import ConfigError, StoreSettings
from genai_exporter.records import Settled
from genai_exporter.sinks.breaker import Breaker
from genai_exporter.sinks.credentials import read_secret
from genai_exporter.sinks.notices import Notices
from genai_exporter.sinks.stats import Result, SinkStats

from . import load, migrate
from .batch import Batch, Entry, Filler, Window, window
from .chores import Calendar
from .connect import Connection, Trouble, brief, connect, trouble
from .queue import EntryQueue
from .rows import Formatter, Priced
from .sessions import SessionBoard, SessionWatch, seen
from .users import user_ids

_log = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.1
#: Behind, the writer takes larger batches than it waits for.
_LARGEST_BATCH: Final = 5
_CONFLICTS: Final = 10
_INTERNAL_ERRORS: Final = 5
_CALENDAR_SECONDS: Final = 600.0
_AVERAGES_SECONDS: Final = 60.0
_ENDED_SECONDS: Final = 15.0

#: Returns after how many seconds it is due again.
_Chore: TypeAlias = Callable[[Connection], float]


class Ledger:
    """The ledger of calls. ``offer`` belongs to the thread that settles; ``start`` and ``stop`` to whoever owns it.

    ``dsn`` gives the connection string, each time anew; it may raise ConfigError. ``clock`` gives Unix seconds.
    """

    def __init__(
        self,
        settings: StoreSettings,
        dsn: Callable[[], str],
        board: SessionBoard,
        *,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._dsn = dsn
        self._board = board
        self._breaker = breaker or Breaker()
        self._clock = clock
        self._queue = EntryQueue(settings.max_queue_rows)
        self._hand: deque[Batch] = deque()
        self._notices = Notices(_log, "the ledger")
        self._connection: Connection | None = None
        self._formatter: Formatter | None = None
        self._watch = SessionWatch(settings.sessions)
        self._calendar = Calendar()
        self._due: dict[_Chore, float] = {}
        self._gathering_since: float | None = None
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self.stats = SinkStats("ledger", limit=settings.max_queue_rows, waiting=lambda: self._queue.rows)

    def offer(self, settled: Settled, costs: Sequence[Priced], now: float) -> None:
        """Take what settled, to be written; ``costs`` has the price of each call in order."""
        rows = len(settled.calls) + len(settled.evaluations) + len(settled.feedback)
        if self._settings.steps:
            rows += len(settled.steps)
        if not rows:
            return
        dropped = self._queue.put(Entry(settled, costs, now, rows))
        if dropped:
            self.stats.dropped += dropped
            self._notices.lost("full", f"the queue is full, the oldest {dropped} rows were dropped")

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Write what waits, for ``grace`` seconds at most; what is left then is dropped and counted. Blocks."""
        self._deadline = time.monotonic() + grace
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(grace + _POLL_SECONDS)
        connection = self._connection
        if self._thread.is_alive() and connection is not None:
            connection.cancel_safe(timeout=1.0)
            self._thread.join(1.0)
        left = self._queue.rows
        if left:
            self.stats.dropped += left
            self._queue.done(left)
            self._notices.lost("stop", f"{left} rows could not be written before the stop and were dropped")

    # -- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._finished():
            try:
                self._turn()
            except (psycopg.Error, migrate.SchemaError, ConfigError) as error:
                self._failed(brief(error))
            except Exception as error:  # the thread must live, or nothing is written ever after
                _log.exception("unexpected error in the ledger")
                self._failed(brief(error))
        self._disconnect()

    def _finished(self) -> bool:
        if not self._stopping.is_set():
            return False
        return time.monotonic() >= self._deadline or not self._queue.rows

    def _turn(self) -> None:
        """One step: connect, do a chore, write a batch, or wait a little."""
        if self._connection is None:
            pause = self._breaker.ask(time.monotonic())
            if pause:
                self._wait(pause)
                return
            self._open()
        connection = self._connection
        assert connection is not None
        self._chores(connection)
        if not self._hand:
            self._gather()
        if self._hand:
            self._write(connection, self._hand[0])

    def _wait(self, seconds: float) -> None:
        if self._stopping.is_set():
            time.sleep(max(0.0, min(seconds, _POLL_SECONDS, self._deadline - time.monotonic())))
        else:
            self._stopping.wait(seconds)

    def _open(self) -> None:
        settings = self._settings
        self._connection = connection = connect(self._dsn(), settings.timeout_seconds)
        if settings.migrate:
            migrate.migrate(connection)
        else:
            migrate.check(connection)
        load.prepare(connection)
        if self._formatter is None:
            self._formatter = Formatter(user_ids(settings.user_ids, self._hash_key(connection)))
        self._calendar.forget()
        chores: tuple[_Chore, ...] = (self._plan_days, self._learn_averages, self._end_sessions)
        self._due = dict.fromkeys(chores, 0.0)
        if not self._hand:
            self._worked()  # else what is in hand has to show it

    def _hash_key(self, connection: Connection) -> str:
        settings = self._settings
        if settings.user_hash_key is not None:
            return settings.user_hash_key.reveal()
        if settings.user_hash_key_file is not None:
            return read_secret("store.user_hash_key_file", settings.user_hash_key_file)
        if settings.user_ids != "hash":
            return ""
        found = connection.execute("SELECT value FROM ledger_secrets WHERE name = 'user_hash_key'").fetchone()
        if found is None:
            raise migrate.SchemaError("the ledger's own key for user ids is gone: set store.user_hash_key_file")
        key: str = found[0]
        return key

    def _gather(self) -> None:
        """Take entries into the hand when there are enough, or when they have waited long enough."""
        settings = self._settings
        rows, now = self._queue.rows, time.monotonic()
        if not rows:
            self._gathering_since = None
        elif self._gathering_since is None:
            self._gathering_since = now
        waited = now - self._gathering_since if self._gathering_since is not None else 0.0
        enough = rows >= settings.batch_rows or waited >= settings.batch_seconds or self._stopping.is_set()
        if not rows or not enough:
            self._wait(min(_POLL_SECONDS, settings.batch_seconds) or _POLL_SECONDS)
            return
        assert self._formatter is not None
        self._gathering_since = None
        most_rows = settings.batch_rows * _LARGEST_BATCH
        filler = Filler(self._formatter, self._window(), steps=settings.steps, most_rows=most_rows)
        for entry in self._queue.take(most_rows):
            filler.add(entry)
        self._hand.extend(filler.batches)
        self._account("expired", filler.expired)
        self._account("rejected", filler.unusable)
        if filler.expired:
            self._notices.lost("expired", f"{filler.expired} rows are older than store.retention_days or in the future")
        if filler.unusable:
            self._notices.lost("unusable", f"{filler.unusable} records cannot be told in rows and are left out")

    def _window(self) -> Window:
        return window(self._clock(), self._settings.retention_days)

    def _write(self, connection: Connection, batch: Batch) -> None:
        """Write the first batch in hand, or halve it, or leave its one row out. Raises psycopg.Error."""
        try:
            self._calendar.ensure(connection, batch.days)
            with connection.transaction():
                loaded = load.load(connection, batch)
                runaways = self._watch.runaways(connection, loaded.sessions)
        except psycopg.Error as error:
            self._judge(connection, batch, error)
            return
        self._hand.popleft()
        self._account("delivered", loaded.new)
        self._account("duplicate", loaded.known)
        self._worked()
        self._board.post([*seen(loaded.sessions), *runaways])

    def _judge(self, connection: Connection, batch: Batch, error: psycopg.Error) -> None:
        """Decide what to do about a batch that was not written. Raises ``error`` when nothing can be written now."""
        kind = Trouble.SINK if connection.broken or connection.closed else trouble(error)
        batch.attempts += 1
        self.stats.retries += 1
        if kind is Trouble.CONFLICT and batch.attempts <= _CONFLICTS:
            return
        if kind is Trouble.ROWS and batch.attempts == 1:
            self._calendar.forget()  # a partition that somebody dropped looks like a bad row
            return
        if kind is Trouble.INTERNAL and batch.attempts > _INTERNAL_ERRORS:
            kind = Trouble.ROWS
        if kind in (Trouble.ROWS, Trouble.TIMEOUT) and batch.rows > 1:
            self._hand.popleft()
            self._hand.extendleft(reversed(batch.halves()))
        elif kind is Trouble.ROWS:
            self._hand.popleft()
            self._account("rejected", 1)
            self._notices.lost(f"row {error.sqlstate}", f"a row was refused and left out: {brief(error)}")
        else:
            raise error

    def _account(self, result: Result, rows: int) -> None:
        self.stats.results[result] += rows
        self._queue.done(rows)

    # -- now and then --------------------------------------------------------------------------------------------

    def _chores(self, connection: Connection) -> None:
        now = time.monotonic()
        for chore, due in self._due.items():
            if now < due or self._stopping.is_set():
                continue
            try:
                wait = chore(connection)
            except psycopg.Error as error:
                if connection.broken or connection.closed:
                    raise
                wait = _AVERAGES_SECONDS
                self._notices.lost(f"chore {error.sqlstate}", f"upkeep failed and is tried again: {brief(error)}")
            self._due[chore] = time.monotonic() + wait

    def _plan_days(self, connection: Connection) -> float:
        span = self._window()
        self._calendar.ahead(connection, span)
        self._calendar.retire(connection, span)
        return _CALENDAR_SECONDS

    def _learn_averages(self, connection: Connection) -> float:
        self._watch.refresh(connection)
        return _AVERAGES_SECONDS

    def _end_sessions(self, connection: Connection) -> float:
        self._board.post(self._watch.ended(connection))
        return min(_ENDED_SECONDS, self._settings.sessions.idle_seconds / 10)

    # -- up and down ---------------------------------------------------------------------------------------------

    def _worked(self) -> None:
        self.stats.up = True
        self._breaker.succeeded()
        self._notices.working()

    def _failed(self, reason: str) -> None:
        self.stats.up = False
        self._breaker.failed(time.monotonic())
        self._notices.failing(reason)
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
