"""What sessions cost, and which run away (R33, R68, R77)."""

from __future__ import annotations

import logging
from decimal import Decimal

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from genai_exporter.config import SessionSettings

from .samples import NOW, Book, call, wait_until

QUICK = SessionSettings(idle_seconds=1.0, runaway_min_sessions=5, runaway_floor_usd=0.05)


def shown(book: Book, name: str, **labels: str) -> float | None:
    """The value of a sample, None when it is not on the page."""
    wanted = {"service_name": "bot", "deployment_environment_name": "prod", "llm_flow": "/chat", **labels}
    for family in text_string_to_metric_families(book.page()):
        for sample in family.samples:
            if sample.name == name and wanted.items() <= sample.labels.items():
                return float(sample.value)
    return None


def age(book: Book, seconds: float = 3600) -> None:
    """Let all sessions have been idle for a while."""
    with psycopg.connect(book.dsn) as connection:
        connection.execute("UPDATE sessions SET updated_at = updated_at - make_interval(secs => %s)", (seconds,))


def test_totals_of_a_session_grow_with_its_calls(dsn: str) -> None:
    with Book(dsn) as book:
        book.take(call(session="a", flow="/first", start_ns=int((NOW - 100) * 1e9)), usd=0.5)
        book.written()
        book.take(call(session="a", flow="/second", error_type="timeout", input_tokens=None), usd=None)
        book.take(call(session="b"), call(session=""))
        book.written()
        (row,) = book.ask("SELECT * FROM v_sessions WHERE session = 'a'")
        columns = book.ask(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'v_sessions'::regclass AND attnum > 0 ORDER BY attnum"
        )
        found = dict(zip([name for (name,) in columns], row, strict=True))
        assert book.one("SELECT count(*) FROM v_sessions") == 2
    assert (found["flow"], found["calls"], found["errors"]) == ("/first", 2, 1)
    assert (found["input_tokens"], found["output_tokens"], found["total_tokens"]) == (100, 40, 140)
    assert (found["cost_usd"], found["lasted_s"]) == (Decimal("0.5"), 41.5)
    assert (found["ended"], found["runaway"]) == (False, False)


def test_a_session_without_any_price_has_no_cost(dsn: str) -> None:
    with Book(dsn, sessions=QUICK) as book:
        book.take(call(), usd=None)
        book.written()
        assert book.one("SELECT cost_usd FROM v_sessions") is None
        age(book)
        wait_until("it has ended", lambda: book.one("SELECT ended FROM v_sessions"))
        assert shown(book, "llm_session_cost_usd_count") is None


def test_the_cost_of_a_session_is_observed_once_it_has_been_idle(dsn: str) -> None:
    with Book(dsn, sessions=SessionSettings(idle_seconds=1800)) as book:
        book.take(call(), usd=0.02)
        book.take(call(), usd=0.03)
        book.written()
        assert shown(book, "llm_session_cost_usd_count") is None
        age(book, 1795)
    with Book(dsn, sessions=SessionSettings(idle_seconds=1800)) as book:  # a restart forgets nothing
        book.written()
        assert book.one("SELECT ended FROM v_sessions") is False
        age(book)
    with Book(dsn, sessions=SessionSettings(idle_seconds=1800)) as book:
        wait_until("it is observed", lambda: shown(book, "llm_session_cost_usd_count") == 1)
        assert shown(book, "llm_session_cost_usd_sum") == pytest.approx(0.05)
        assert shown(book, "llm_session_cost_usd_bucket", le="0.05") == 1


def test_a_session_that_goes_on_is_observed_again_with_what_came_since(dsn: str) -> None:
    with Book(dsn, sessions=QUICK) as book:
        book.take(call(), usd=0.02)
        book.written()
        age(book)
        wait_until("it is observed", lambda: shown(book, "llm_session_cost_usd_count") == 1)
        book.take(call(), usd=0.07)
        book.written()
        assert book.one("SELECT ended FROM v_sessions") is False
        age(book)
        wait_until("it is observed again", lambda: shown(book, "llm_session_cost_usd_count") == 2)
        assert shown(book, "llm_session_cost_usd_sum") == pytest.approx(0.09)


def test_of_two_exporters_one_observes_a_session(dsn: str) -> None:
    with Book(dsn, sessions=QUICK) as one, Book(dsn, sessions=QUICK) as other:
        for number in range(50):
            one.take(call(session=f"s-{number}"))
        one.written()
        age(one)
        wait_until("all have ended", lambda: one.one("SELECT bool_and(ended) FROM v_sessions"))

        def observed() -> float:
            return sum(shown(book, "llm_session_cost_usd_count") or 0 for book in (one, other))

        wait_until("all are observed", lambda: observed() == 50)
        assert observed() == 50


def history(dsn: str, usd: float = 0.01, **labels: str) -> None:
    """Ten sessions of the past. What they cost on average is learnt when the next ledger starts, and each minute."""
    with Book(dsn, sessions=QUICK) as book:
        for number in range(10):
            book.take(call(session=f"ordinary-{number}", **labels), usd=usd)
        book.written()


def test_a_session_runs_away_at_once_when_it_costs_ten_times_the_average(dsn: str) -> None:
    history(dsn)
    with Book(dsn, sessions=QUICK) as book:
        for _ in range(10):
            book.take(call(session="greedy"), usd=0.01)
            book.written()
        assert shown(book, "llm_runaway_sessions_total") == 0  # ten times, not more; and shown before it can rise
        book.take(call(session="greedy"), usd=0.01)
        book.written()
        wait_until("it is counted", lambda: shown(book, "llm_runaway_sessions_total") == 1)
        book.take(call(session="greedy"), usd=5.0)
        book.written()
        book.take(call(session="other"), usd=0.01)
        book.written()
        assert shown(book, "llm_runaway_sessions_total") == 1  # once
        assert book.ask("SELECT session FROM v_sessions WHERE runaway") == [("greedy",)]
    with Book(dsn, sessions=QUICK) as book:
        book.take(call(session="another"), usd=0.11)
        book.written()
        # Had the first been part of the average, this one would have passed for ordinary.
        wait_until("it is counted", lambda: shown(book, "llm_runaway_sessions_total") == 1)


@pytest.mark.parametrize(
    ("sessions", "average", "usd"),
    [
        pytest.param(QUICK, 0.004, 0.049, id="below the floor"),
        pytest.param(SessionSettings(runaway_min_sessions=11), 0.01, 5.0, id="too few sessions to tell"),
        pytest.param(SessionSettings(runaway_min_sessions=1, runaway_factor=1000), 0.01, 5.0, id="in proportion"),
    ],
)
def test_what_is_not_a_runaway(dsn: str, sessions: SessionSettings, average: float, usd: float) -> None:
    history(dsn, average)
    with Book(dsn, sessions=sessions) as book:
        book.take(call(session="greedy"), usd=usd)
        book.written()
        assert book.one("SELECT bool_or(runaway) FROM v_sessions") is False
    assert shown(book, "llm_runaway_sessions_total") == 0


def test_applications_have_averages_of_their_own(dsn: str) -> None:
    history(dsn)
    history(dsn, 10.0, service="researcher")
    with Book(dsn, sessions=QUICK) as book:
        book.take(call(session="ordinary-0"), usd=0.5)
        book.take(call(session="ordinary-0", service="researcher"), usd=20.0)
        book.written()
    assert shown(book, "llm_runaway_sessions_total") == 1
    assert shown(book, "llm_runaway_sessions_total", service_name="researcher") == 0


def test_upkeep_that_fails_is_said_and_nothing_else_suffers(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    with Book(dsn, sessions=QUICK) as book, caplog.at_level(logging.ERROR):
        book.take(call())
        book.written()
        with psycopg.connect(dsn) as connection:
            connection.execute("ALTER TABLE sessions RENAME COLUMN reported_usd TO hidden")
        wait_until("it is said", lambda: "upkeep failed and is tried again" in caplog.text)
        book.take(call(session=""))
        book.written()
        assert book.items == {"delivered": 2}
        assert book.ledger.stats.up
