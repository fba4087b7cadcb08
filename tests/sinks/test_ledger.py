"""The ledger: what is written, once, and what becomes of the rest (design invariants 5 to 8, R48, R102, R133)."""

from __future__ import annotations

import datetime as dt
import logging
import random
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from genai_exporter.sinks.postgres import embedded

from .conftest import Server
from .samples import NOW, Book, call, score, step, thumb, wait_until

TODAY = dt.datetime.fromtimestamp(NOW, dt.UTC).date()


def test_a_call_is_stored_as_it_was_with_its_price(dsn: str) -> None:
    one = call(
        flow="tab\there", response_id="back\\slash\nnewline", service_version="1.2\r", provider='"q"', agent="é漢🙂",
        cache_write_tokens=7, cache_write_1h_tokens=3, reported_cost_usd=0.5, response_cache_hit=False, batch=True,
        retries=2, error_type="timeout", finish_reason="length", refusal=True, regenerated=True, service_tier="flex",
    )  # fmt: skip
    with Book(dsn, user_ids="keep") as book:
        book.take(one, usd=1.25e-05)
        book.written()
        with psycopg.connect(dsn) as connection:
            cursor = connection.execute("SELECT * FROM calls")
            assert cursor.description
            names = [column.name for column in cursor.description]
            ((row),) = cursor.fetchall()
    stored = dict(zip(names, row, strict=True))
    assert stored.pop("day") == TODAY
    assert stored.pop("started_at") == dt.datetime.fromtimestamp(NOW - 60, dt.UTC)
    assert stored.pop("recorded_at")
    assert stored.pop("cost_usd") == Decimal("0.0000125")
    assert stored.pop("reported_cost_usd") == Decimal("0.5")
    assert (stored.pop("cost_source"), stored.pop("user_id")) == ("computed", "ada")
    expected = {name: getattr(one, name) for name in one.__struct_fields__}
    for name in ("start_ns", "user", "reported_cost_usd"):
        del expected[name]
    assert stored == expected


def test_a_second_is_kept_to_the_microsecond_and_the_day_is_that_of_utc(dsn: str) -> None:
    midnight = int(NOW // 86_400 * 86_400) * 10**9
    with Book(dsn) as book:
        book.take(call(start_ns=midnight - 1), call(start_ns=midnight), call(start_ns=midnight + 123_456_789))
        book.written()
        found = book.ask("SELECT day, started_at AT TIME ZONE 'UTC' FROM calls ORDER BY started_at")
    start = dt.datetime.combine(TODAY, dt.time())
    assert found == [
        (TODAY - dt.timedelta(1), start - dt.timedelta(microseconds=1)),
        (TODAY, start),
        (TODAY, start + dt.timedelta(microseconds=123_456)),
    ]


def test_what_was_not_reported_is_null_and_zero_is_zero(dsn: str) -> None:
    with Book(dsn) as book:
        book.take(call(input_tokens=None, output_tokens=0, ttft_s=None, cache_read_tokens=None), usd=None)
        book.written()
        (found,) = book.ask("SELECT input_tokens, output_tokens, ttft_s, cache_read_tokens, cost_usd FROM calls")
    assert found == (None, 0, None, None, None)


def test_the_same_rows_again_change_nothing(dsn: str) -> None:
    one, other = call(), call()
    events = (score(one), score(one, name="safety", result="fail", score=None), thumb(other, "negative"))
    with Book(dsn) as book:
        for _ in range(3):
            book.take(one, other, step(trace_id=b"t" * 16, span_id=b"s" * 8), *events)
            book.written()
        assert book.items == {"delivered": 6, "duplicate": 12}
        assert book.one("SELECT count(*) FROM calls") == 2
        assert book.ask("SELECT calls, cost_usd, input_tokens FROM sessions") == [(2, Decimal("0.02"), 200)]
        assert book.ask("SELECT name, score, result FROM scores ORDER BY name") == [
            ("correctness", 0.9, "pass"),
            ("safety", None, "fail"),
        ]
        assert book.ask("SELECT rating FROM feedback") == [("negative",)]


def test_the_same_row_twice_in_a_batch_is_one(dsn: str) -> None:
    one = call()
    with Book(dsn) as book:
        book.take(one, one)
        book.written()
        assert book.items == {"delivered": 1, "duplicate": 1}


def test_a_score_belongs_to_the_time_of_its_trace_and_one_without_a_trace_to_its_arrival(dsn: str) -> None:
    earlier = call(start_ns=int((NOW - 7200) * 1e9))
    with Book(dsn) as book:
        book.take(earlier, score(earlier), thumb(None), thumb(None), score(None, response_id="resp-x"))
        book.written()
        times = dict(book.ask("SELECT response_id, scored_at FROM scores"))
        assert times[""] == dt.datetime.fromtimestamp(NOW - 7200, dt.UTC)
        assert times["resp-x"] == dt.datetime.fromtimestamp(NOW, dt.UTC)
        # Nothing tells one of these verdicts from the other, and that does not make them one.
        assert book.one("SELECT count(*) FROM feedback WHERE trace_id = ''") == 2


def test_a_second_score_of_the_same_answer_is_kept(dsn: str) -> None:
    one = call()
    with Book(dsn) as book:
        book.take(one, score(one, score=0.9), score(one, score=0.4, result="fail"))
        book.written()
        assert book.one("SELECT count(*) FROM scores") == 2


def test_steps_can_be_left_out(dsn: str) -> None:
    with Book(dsn, steps=False) as book:
        book.take(call(), step())
        book.take(step())
        book.written()
        assert book.items == {"delivered": 1}
        assert book.one("SELECT count(*) FROM steps") == 0


def test_user_ids_are_hashed_with_a_key_that_all_exporters_of_a_ledger_share(dsn: str) -> None:
    for _ in range(2):
        with Book(dsn) as book:
            book.take(call(user="ada"), call(user="bob"), call(user=""))
            book.written()
    assert [count for (count,) in book.ask("SELECT count(*) FROM calls GROUP BY user_id")] == [2, 2, 2]
    assert all(len(user) in (0, 32) for (user,) in book.ask("SELECT user_id FROM calls"))
    assert book.one("SELECT count(*) FROM calls WHERE user_id IN ('ada', 'bob')") == 0


def test_user_ids_can_be_dropped_or_hashed_with_a_key_of_ones_own(dsn: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("my key\n")
    with Book(dsn, user_ids="drop") as book:
        book.take(call(user="ada", flow="drop"))
        book.written()
    for secret in ("my key", "other"):
        key.write_text(secret)
        with Book(dsn, user_hash_key_file=str(key)) as book:
            book.take(call(user="ada", flow=secret))
            book.written()
    found = dict(book.ask("SELECT flow, user_id FROM calls"))
    assert found["drop"] == ""
    assert len({*found.values()}) == 3


# -- rows that cannot be stored --------------------------------------------------------------------------------------


def test_a_row_that_the_database_refuses_costs_no_other_row(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    bad = [
        call(input_tokens=2**63),  # out of range
        call(retries=2**31),
        call(duration_s=1e300),  # no session lasts that long
        call(reported_cost_usd=float("inf")),
    ]
    good = [call() for _ in range(60)]
    with Book(dsn) as book, caplog.at_level(logging.ERROR):
        book.take(*good[:20], bad[0], *good[20:40], bad[1], bad[2], *good[40:], bad[3], step())
        book.written()
        assert book.items == {"delivered": 61, "rejected": 4}
        assert book.ask("SELECT calls FROM sessions") == [(60,)]
        assert book.ledger.stats.up
    said = [record.getMessage() for record in caplog.records]
    assert all("a row was refused and left out" in text for text in said)
    assert 1 <= len(said) <= 4


def test_text_that_the_database_cannot_store_is_repaired(dsn: str) -> None:
    with Book(dsn, user_ids="keep") as book:
        book.take(call(flow="nul\0", session="half\ud800surrogate", user="\udcff", response_id="x" * 5000))
        book.written()
        assert book.items == {"delivered": 1}
        (found,) = book.ask("SELECT flow, session, user_id, length(response_id) FROM calls")
        assert found == ("nul�", "half�surrogate", "�", 512)


def test_a_text_too_long_for_an_index_is_one_refused_row(dsn: str) -> None:
    noise = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=512)))
    mirrored = noise[::-1]
    with Book(dsn) as book:
        book.take(call(), call(service=noise, environment=mirrored, session=noise[1:] + "x"), call())
        book.written()
        assert book.items == {"delivered": 2, "rejected": 1}


def test_days_beyond_the_retention_and_in_the_future_are_not_stored(dsn: str) -> None:
    day = 86_400
    with Book(dsn, retention_days=30) as book:
        for days in (-31, -30, -29, 0, 1, 2, 400):
            book.take(call(start_ns=int((NOW + days * day) * 1e9)))
        book.take(call(start_ns=2**62), call(start_ns=0), call(start_ns=-5))
        book.written()
        assert book.items == {"delivered": 3, "expired": 7}


# -- outages ---------------------------------------------------------------------------------------------------------


def test_what_was_taken_during_an_outage_is_delivered_afterwards(data_dir: str) -> None:
    first = embedded.start(data_dir)
    try:
        book = Book(first.dsn)
        with book:
            book.take(*[call() for _ in range(10)])
            book.written()
            first.stop()
            for _ in range(20):
                book.take(call(), call())
            wait_until("the outage is noticed", lambda: not book.ledger.stats.up)
            assert book.ledger.stats.waiting() == 40
            second = embedded.start(data_dir)
            try:
                book.written()
                assert book.ledger.stats.up
                assert book.items == {"delivered": 50}
                assert book.one("SELECT count(*) FROM calls") == 50
                assert book.ask("SELECT calls FROM sessions") == [(50,)]
            finally:
                book.ledger.stop(5)
                second.stop()
    finally:
        first.stop()


def test_connections_that_break_in_the_middle_lose_and_repeat_nothing(server: Server, database: str) -> None:
    sent = 0
    with Book(server.dsn(database), batch_rows=20) as book:
        for _ in range(10):
            for _ in range(10):
                book.take(*[call() for _ in range(10)])
                sent += 10
            server.admin(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' "
                "AND application_name = 'genai-exporter'"
            )
        book.written()
        assert book.one("SELECT count(*) FROM calls") == sent
        assert book.ask("SELECT calls, input_tokens FROM sessions") == [(sent, sent * 100)]
        assert sum(book.items.values()) == sent
        assert set(book.items) <= {"delivered", "duplicate"}


def test_an_outage_longer_than_the_queue_drops_the_oldest_and_counts_them(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    book = Book("host=/nonexistent dbname=none", max_queue_rows=100)
    with book, caplog.at_level(logging.WARNING):
        wait_until("the outage is noticed", lambda: not book.ledger.stats.up)
        for number in range(25):
            book.take(*[call(flow=str(number)) for _ in range(10)])
            assert book.ledger.stats.waiting() <= 100
        assert book.items == {"dropped": 150}
        book.dsn = dsn
        book.written()
        assert book.items == {"dropped": 150, "delivered": 100}
        assert {flow for (flow,) in book.ask("SELECT DISTINCT flow FROM calls")} == set(map(str, range(15, 25)))
    text = caplog.text
    assert text.count("the queue is full") == 1
    assert text.count("tried again") == 1


def test_a_batch_larger_than_the_queue_is_dropped_and_counted() -> None:
    book = Book("host=/nonexistent", max_queue_rows=100)
    book.take(*[call() for _ in range(101)])
    assert book.items == {"dropped": 101}
    assert book.ledger.stats.waiting() == 0


def test_a_stop_writes_what_waits(dsn: str) -> None:
    book = Book(dsn, batch_seconds=60.0, batch_rows=100_000)
    with book:
        book.take(*[call() for _ in range(30)])
    assert book.items == {"delivered": 30}
    assert book.one("SELECT count(*) FROM calls") == 30


def test_a_stop_without_a_database_ends_in_time_and_counts_what_is_lost() -> None:
    book = Book("host=/nonexistent")
    book.ledger.start()
    book.take(*[call() for _ in range(30)])
    book.ledger.stop(0.2)
    assert book.items == {"dropped": 30}
    assert book.ledger.stats.waiting() == 0


def test_a_restart_goes_on_where_it_stopped(dsn: str) -> None:
    one, other = call(), call()
    for batch in ((one,), (one, other)):
        with Book(dsn) as book:
            book.take(*batch)
            book.written()
    assert book.items == {"delivered": 1, "duplicate": 1}
    assert book.ask("SELECT calls, first_at <= last_at FROM sessions") == [(2, True)]


def test_two_ledgers_on_one_database_count_together(dsn: str) -> None:
    calls = [call(session=f"s-{number % 7}") for number in range(400)]
    with Book(dsn, batch_rows=10) as one, Book(dsn, batch_rows=10) as other:
        for start in range(0, 400, 10):
            one.take(*calls[start : start + 10])
            other.take(*reversed(calls[start : start + 10]))
        one.written()
        other.written()
        assert one.one("SELECT count(*) FROM calls") == 400
        assert one.one("SELECT sum(calls) FROM sessions") == 400
        assert one.items.get("delivered", 0) + other.items.get("delivered", 0) == 400
        assert one.items.get("duplicate", 0) + other.items.get("duplicate", 0) == 400


def test_a_partition_that_somebody_dropped_is_made_again(server: Server, database: str) -> None:
    with Book(server.dsn(database)) as book:
        book.take(call())
        book.written()
        server.admin(f"DROP TABLE calls_{TODAY:%Y%m%d}", database)
        book.take(call())
        book.written()
        assert book.items == {"delivered": 2}
        assert book.one("SELECT count(*) FROM calls") == 1


# -- deployments -----------------------------------------------------------------------------------------------------


def test_deployments_are_known_from_their_first_to_their_last_call(dsn: str) -> None:
    """R86, R102."""
    old, new = int((NOW - 7200) * 1e9), int((NOW - 60) * 1e9)
    with Book(dsn) as book:
        book.take(call(start_ns=new), call(prompt_version="v3"), call(error_type="timeout", response_model=""))
        book.written()
        book.take(call(start_ns=old))
        book.written()
        found = book.ask(
            "SELECT prompt_version, model, extract(epoch FROM last_seen_at - first_seen_at) "
            "FROM v_deployments ORDER BY 1"
        )
    assert found == [("v2", "gpt-4o-2024-11-20", 7140), ("v3", "gpt-4o-2024-11-20", 0)]
