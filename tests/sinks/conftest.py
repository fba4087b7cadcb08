"""One PostgreSQL for the whole run, started from the wheel; a database of its own for each test."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from genai_exporter.sinks.postgres import embedded

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


class Server:
    """A running PostgreSQL and how to connect to it."""

    def __init__(self, where: str) -> None:
        self.where = where

    def dsn(self, database: str, user: str = "exporter") -> str:
        return make_conninfo(host=self.where, dbname=database, user=user)

    def admin(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as superuser."""
        with psycopg.connect(self.dsn(database, "postgres"), autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture
def data_dir() -> Iterator[str]:
    """A folder for an embedded server.

    Not one of pytest's own: run by root, the server is another user, and each run of pytest closes its folders to it.
    """
    with tempfile.TemporaryDirectory(prefix="genai-ledger-") as folder:
        yield folder


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="genai-ledger-") as folder:
        running = embedded.start(folder)
        try:
            yield Server(running.where)
        finally:
            running.stop()


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The name of an empty database that the role ``exporter`` owns."""
    name = f"test_{next(_numbers)}"
    server.admin(f"CREATE DATABASE {name} OWNER exporter")
    yield name
    server.admin(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def dsn(server: Server, database: str) -> str:
    """An empty database, as its owner."""
    return server.dsn(database)
