"""The questions of R95 that calls, steps and scores can answer, asked of a ledger with known answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from genai_exporter.records import Role

from .samples import Book, call, score, step, thumb


@pytest.fixture
def book(dsn: str) -> Iterator[Book]:
    """A ledger of today, because some views look back from now."""
    with Book(dsn, now=time.time()) as running:
        yield running


def trace(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_bad_answers_after_a_slow_retrieval(book: Book) -> None:
    now_ns = int((book.now - 60) * 1e9)
    for number, seconds, result, value in ((1, 2.5, "fail", 0.2), (2, 2.5, "pass", 0.9), (3, 1.5, "fail", 0.2)):
        one = call(trace_id=trace(number), start_ns=now_ns)
        book.take(
            one,
            step(trace_id=one.trace_id, start_ns=now_ns, duration_s=seconds),
            score(one, name="groundedness", result=result, score=value),
        )
    book.written()
    assert book.ask("SELECT trace_id, name, retrieval_s FROM v_low_scores_slow_retrieval") == [
        (trace(1).hex(), "groundedness", 2.5)
    ]


def test_the_prompt_version_with_the_highest_correctness_and_what_it_costs(book: Book) -> None:
    now_ns = int((book.now - 60) * 1e9)
    for version, value, error, usd in (
        ("v1", 0.5, "", 0.01), ("v1", 0.7, "timeout", 0.03), ("v2", 0.9, "", 0.02), ("v2", 0.8, "", 0.02),
    ):  # fmt: skip
        one = call(prompt_version=version, error_type=error, start_ns=now_ns, duration_s=2.0 if error else 1.0)
        book.take(one, score(one, score=value, prompt_version=version), usd=usd)
    rated = call(prompt_version="v2", start_ns=now_ns)
    book.take(rated, thumb(rated), thumb(rated, "negative"), usd=None)
    book.written()
    best = book.ask(
        "SELECT prompt_version, score_mean FROM v_prompt_scores WHERE name = 'correctness' ORDER BY score_mean DESC"
    )
    assert best == [("v2", pytest.approx(0.85)), ("v1", pytest.approx(0.6))]
    found = book.ask(
        "SELECT prompt_version, calls, timeouts, error_ratio, "
        "cost_usd::float, cost_mean_usd::float, positive, negative "
        "FROM v_prompt_versions ORDER BY prompt_version"
    )
    assert found == [("v1", 2, 1, 0.5, 0.04, 0.02, None, None), ("v2", 3, 0, 0.0, 0.04, 0.02, 1, 1)]


def test_whether_a_change_of_the_prompt_improved_quality(book: Book) -> None:
    day_ns = 86_400 * 10**9
    now_ns = int(book.now * 1e9)
    for days, version, value in ((10, "v1", 0.0), (5, "v1", 0.4), (4, "v1", 0.6), (2, "v2", 0.9), (1, "v2", 0.7)):
        one = call(prompt_version=version, start_ns=now_ns - days * day_ns)
        book.take(one, score(one, score=value, prompt_version=version))
    book.written()
    (found,) = book.ask(
        "SELECT evaluations_before, score_before, evaluations_after, score_after FROM v_deployment_scores "
        "WHERE prompt_version = 'v2' AND name = 'correctness'"
    )
    assert found == (2, pytest.approx(0.5), 2, pytest.approx(0.8))


def test_retrieval_or_model(book: Book) -> None:
    now_ns = int((book.now - 60) * 1e9)
    one = call(trace_id=trace(7), start_ns=now_ns + 3 * 10**9, duration_s=1.0)
    book.take(
        one,
        step(trace_id=trace(7), start_ns=now_ns, duration_s=2.5),
        step(trace_id=trace(7), start_ns=now_ns, duration_s=0.5, role=int(Role.TOOL)),
        step(trace_id=trace(7), start_ns=now_ns, duration_s=4.2, role=int(Role.WORKFLOW)),
    )
    book.written()
    assert book.ask("SELECT trace_id, model_s, retrieval_s, tool_s, total_s FROM v_latency_shares") == [
        (trace(7).hex(), 1.0, 2.5, 0.5, 4.2)
    ]


def test_the_whole_conversation_around_a_failed_request(book: Book) -> None:
    start = int((book.now - 600) * 1e9)
    for number in range(5):
        error = "timeout" if number == 3 else ""
        book.take(call(session="c-1", start_ns=start + number * 10**9, error_type=error))
    book.take(call(session="c-2", start_ns=start))
    book.written()
    failed = book.one("SELECT session FROM v_calls_recent WHERE error_type = 'timeout'")
    found = book.ask("SELECT error_type FROM v_calls WHERE session = %s ORDER BY started_at", failed)
    assert found == [("",), ("",), ("",), ("timeout",), ("",)]


def test_the_most_expensive_trace(book: Book) -> None:
    start = int((book.now - 600) * 1e9)
    for number, usd in ((1, 0.5), (1, 0.5), (2, 0.9), (3, 0.1)):
        book.take(call(trace_id=trace(number), start_ns=start), usd=usd)
    book.written()
    found = book.ask("SELECT trace_id, calls, cost_usd::float FROM v_expensive_traces ORDER BY cost_usd DESC LIMIT 2")
    assert found == [(trace(1).hex(), 2, 1.0), (trace(2).hex(), 1, 0.9)]


def test_users_and_days(book: Book) -> None:
    start = int((book.now - 60) * 1e9)
    for user, session, usd in (("ada", "1", 0.1), ("ada", "2", 0.2), ("bob", "3", 0.05), ("", "4", 9.0)):
        book.take(call(user=user, session=session, start_ns=start), usd=usd)
    book.take(call(user="bob", session="3", start_ns=start, segment="pro"), usd=None)
    book.written()
    found = book.ask("SELECT calls, sessions, cost_usd::float FROM v_users ORDER BY cost_usd DESC")
    assert found == [(2, 2, pytest.approx(0.3)), (2, 1, 0.05)]
    (costs,) = book.ask("SELECT sum(calls), sum(unpriced_calls), sum(cost_usd)::float FROM v_costs_daily")
    assert costs == (5, 1, pytest.approx(9.35))


def test_every_view_answers(book: Book) -> None:
    one = call(start_ns=int((book.now - 60) * 1e9))
    book.take(one, step(start_ns=one.start_ns), score(one), thumb(one))
    book.written()
    views = [view for (view,) in book.ask("SELECT viewname FROM pg_views WHERE schemaname = 'public' ORDER BY 1")]
    empty = [view for view in views if book.one(f"SELECT count(*) FROM {view}") == 0]
    assert empty == ["v_low_scores_slow_retrieval"]
