"""The tables: made once, by one process at a time; and who may do what with them."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from e2e.harness import clean_environment
from genai_exporter.config import Secret, StoreSettings
from genai_exporter.sinks.postgres import connect, describe, migrate

from .conftest import Server
from .samples import Book, call, score, wait_until

DOCS = Path(__file__).parents[2] / "docs"


def opened(dsn: str) -> connect.Connection:
    return connect.connect(dsn, 30)


def test_a_second_migration_finds_nothing_to_do(dsn: str) -> None:
    with opened(dsn) as connection:
        assert migrate.migrate(connection) == list(migrate.migrations())
        assert migrate.migrate(connection) == []
        migrate.check(connection)


def test_several_processes_may_migrate_at_once(dsn: str) -> None:
    done: list[int] = []
    barrier = threading.Barrier(6)

    def work() -> None:
        with opened(dsn) as connection:
            barrier.wait()
            done.append(len(migrate.migrate(connection)))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == [0, 0, 0, 0, 0, len(migrate.migrations())]
    with opened(dsn) as connection:
        migrate.check(connection)


def test_a_migration_that_fails_leaves_nothing_behind(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = migrate.Migration(4, "broken", "CREATE TABLE half (a int); SELECT 1 / 0", "x")
    real = migrate.migrations()
    with opened(dsn) as connection:
        with monkeypatch.context() as patch:
            patch.setattr(migrate, "migrations", lambda: (*real, broken))
            with pytest.raises(psycopg.errors.DivisionByZero):
                migrate.migrate(connection)
        assert migrate.applied(connection) == {}
        assert connection.execute("SELECT to_regclass('half'), to_regclass('calls')").fetchone() == (None, None)
        migrate.migrate(connection)


def test_a_database_of_a_newer_version_is_refused(dsn: str) -> None:
    with opened(dsn) as connection:
        migrate.migrate(connection)
        connection.execute("INSERT INTO schema_migrations (version, name, checksum) VALUES (99, 'later', 'x')")
        with pytest.raises(migrate.SchemaError, match="version 99, this exporter knows up to 3: upgrade"):
            migrate.migrate(connection)
        with pytest.raises(migrate.SchemaError, match="upgrade"):
            migrate.check(connection)


def test_an_edited_migration_is_refused(dsn: str) -> None:
    with opened(dsn) as connection:
        migrate.migrate(connection)
        connection.execute("UPDATE schema_migrations SET checksum = 'x' WHERE version = 2")
        with pytest.raises(migrate.SchemaError, match=r"migration 2 .* edited"):
            migrate.migrate(connection)


def test_the_tables_may_be_in_any_schema(server: Server, database: str) -> None:
    server.admin("CREATE SCHEMA ledger AUTHORIZATION exporter", database)
    dsn = server.dsn(database) + " options='-c search_path=ledger'"
    with Book(dsn) as book:
        book.take(call(), score(call()))
        book.written()
        assert book.items == {"delivered": 2}
        assert book.one("SELECT count(*) FROM ledger.v_calls") == 1
        assert book.one("SELECT to_regclass('public.calls')") is None


def test_the_documented_schema_is_the_real_one(dsn: str) -> None:
    with opened(dsn) as connection:
        migrate.migrate(connection)
        real = describe.describe(connection)
    assert (DOCS / "schema.md").read_text(encoding="utf-8") == real, "run `genai-exporter store describe`"


def test_every_table_view_and_column_is_explained(dsn: str) -> None:
    with opened(dsn) as connection:
        migrate.migrate(connection)
        missing = connection.execute(
            "SELECT c.relname, a.attname FROM pg_class c LEFT JOIN pg_attribute a "
            "ON a.attrelid = c.oid AND a.attnum > 0 AND c.relkind IN ('r', 'p') "
            "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') "
            "AND (obj_description(c.oid) IS NULL "
            "OR (a.attname IS NOT NULL AND col_description(c.oid, a.attnum) IS NULL)) "
            "AND c.relname <> 'schema_migrations'"
        ).fetchall()
    assert missing == []


# -- roles -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def owned(server: Server, database: str) -> str:
    """A migrated database whose tables belong to somebody else than ``exporter``."""
    server.admin(f"DO $$ BEGIN CREATE ROLE owner_{database} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    server.admin(f"ALTER DATABASE {database} OWNER TO owner_{database}")
    with opened(server.dsn(database, f"owner_{database}")) as connection:
        migrate.migrate(connection)
    return database


def test_an_exporter_that_owns_no_table_writes_and_keeps_days(server: Server, owned: str) -> None:
    with Book(server.dsn(owned), migrate=False) as book:
        book.take(call(), score(call()))
        book.written()
        assert book.items == {"delivered": 2}
        assert book.one("SELECT count(*) FROM pg_inherits WHERE inhparent = 'calls'::regclass") >= 3


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM calls",
        "UPDATE calls SET cost_usd = 0",
        "DROP TABLE calls",
        "TRUNCATE calls",
        "ALTER TABLE calls ADD COLUMN x int",
        "CREATE TABLE public.other (a int)",
        "UPDATE ledger_secrets SET value = ''",
        "DELETE FROM deployments",
        "SELECT ledger_drop_days('schema_migrations', 'infinity')",
    ],
)
def test_an_exporter_that_owns_no_table_changes_no_table(server: Server, owned: str, statement: str) -> None:
    with opened(server.dsn(owned)) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(statement)  # type: ignore[call-overload]
    assert refused.value.sqlstate in {"42501", "P0001"}


@pytest.mark.parametrize("role", ["grafana", "reviewer"])
def test_readers_read_all_views_and_no_secret(server: Server, owned: str, role: str) -> None:
    with opened(server.dsn(owned, role)) as connection:
        views = connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'").fetchall()
        assert len(views) >= 15
        for (view,) in views:
            connection.execute(f"SELECT * FROM {view}")
        for statement in (
            "SELECT * FROM ledger_secrets",
            "DELETE FROM calls",
            "INSERT INTO deployments SELECT * FROM deployments",
            "SELECT ledger_add_day('calls', '2030-01-01')",
            "SELECT ledger_drop_days('calls', '2030-01-01')",
        ):
            for read_only in ("on", "off"):  # the default can be turned off, the rights cannot
                connection.execute(f"SET default_transaction_read_only = {read_only}")
                with pytest.raises(psycopg.Error) as refused:
                    connection.execute(statement)
                assert refused.value.sqlstate in {"42501", "25006"}


def test_an_exporter_that_may_not_migrate_says_what_to_do(
    server: Server, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Book(server.dsn(database), migrate=False) as book:
        wait_until("it is said", lambda: "run `genai-exporter store migrate` as their owner" in caplog.text)
        assert not book.ledger.stats.up
        book.take(call())
        with opened(server.dsn(database)) as connection:
            migrate.migrate(connection)
        book.written()
        assert book.items == {"delivered": 1}


# -- the command -----------------------------------------------------------------------------------------------------


def store_command(action: str, dsn: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment() | {"GENAI_EXPORTER_STORE__DSN": dsn}
    return subprocess.run(
        [sys.executable, "-m", "genai_exporter", "store", action],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_migrates_and_tells(dsn: str) -> None:
    before = store_command("status", dsn)
    assert before.returncode == 1
    assert "version 0, this exporter writes version 3" in before.stdout
    done = store_command("migrate", dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("3 migrations applied\n")
    with Book(dsn) as book:
        book.take(call())
        book.written()
    after = store_command("status", dsn)
    assert after.returncode == 0
    assert "calls: " in after.stdout


def test_the_command_without_a_database_is_a_mistake() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "genai_exporter", "store", "status"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "no database is configured" in done.stderr


def test_a_connection_string_that_is_none_is_refused_without_being_shown() -> None:
    settings = StoreSettings(dsn=Secret("postgresql://user:hidden-token@host:port:x/db?what"))
    with pytest.raises(Exception, match=r"^store\.dsn: refused") as refused:
        connect.connection_string(settings)
    assert "hidden-token" not in str(refused.value)
