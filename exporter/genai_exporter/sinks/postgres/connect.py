"""Connections to the ledger's database, and what its errors mean."""

from __future__ import annotations

import enum
from typing import Any, Final, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict

from genai_exporter.config import ConfigError, StoreSettings
from genai_exporter.sinks.credentials import read_secret

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

APPLICATION: Final = "genai-exporter"


class Trouble(enum.Enum):
    """What went wrong, by what helps."""

    ROWS = enum.auto()  # some row of the batch can never be written
    TIMEOUT = enum.auto()  # a smaller batch may do
    CONFLICT = enum.auto()  # two writers met; the same again works
    INTERNAL = enum.auto()  # the server says it is its own fault
    SINK = enum.auto()  # nothing can be written now


def connection_string(settings: StoreSettings) -> str:
    """The connection string that the settings name; the file is read each time. Raises ConfigError."""
    if settings.dsn is not None:
        text, setting = settings.dsn.reveal(), "store.dsn"
    else:
        assert settings.dsn_file is not None
        text, setting = read_secret("store.dsn_file", settings.dsn_file), "store.dsn_file"
    try:
        conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        # The driver's message repeats the string, password and all.
        raise ConfigError([f"{setting}: refused. Accepted: a connection string or URI of PostgreSQL"]) from None
    return text


def connect(dsn: str, timeout_seconds: float) -> Connection:
    """A connection in UTC whose statements end in time. Raises psycopg.Error."""
    milliseconds = int(timeout_seconds * 1000)
    connection = psycopg.connect(
        dsn,
        autocommit=True,
        connect_timeout=max(2, int(timeout_seconds)),
        application_name=APPLICATION,
        # A dead peer is noticed by the kernel, not by a thread that waits for ever.
        tcp_user_timeout=milliseconds,
        keepalives=1,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    )
    try:
        with connection.transaction():
            for name, value in (
                ("timezone", "UTC"),
                ("datestyle", "ISO"),
                ("client_encoding", "UTF8"),
                ("statement_timeout", str(milliseconds)),
                ("lock_timeout", str(milliseconds // 2)),
                ("idle_in_transaction_session_timeout", str(milliseconds * 2)),
            ):
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    except BaseException:
        connection.close()
        raise
    return connection


def trouble(error: psycopg.Error) -> Trouble:
    """What kind of trouble an error is."""
    state = error.sqlstate or ""
    if state == "57014":
        return Trouble.TIMEOUT
    if state[:2] in {"22", "23"} or state == "54000":
        return Trouble.ROWS
    if state[:2] == "40":
        return Trouble.CONFLICT
    if state[:2] == "XX":
        return Trouble.INTERNAL
    return Trouble.SINK


def brief(error: BaseException) -> str:
    """The first line of an error, which is what happened; the others may quote data."""
    text = str(error).strip().partition("\n")[0]
    state = getattr(error, "sqlstate", None)
    return f"{text or type(error).__name__}{f' ({state})' if state else ''}"
