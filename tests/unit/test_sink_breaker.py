"""When a sink that fails is tried again."""

from __future__ import annotations

import logging

import pytest

from genai_exporter.sinks.answers import asked_delay, rejected_spans
from genai_exporter.sinks.breaker import Breaker
from genai_exporter.sinks.notices import Notices


def breaker() -> Breaker:
    return Breaker(first=1.0, longest=8.0, chance=lambda: 0.0)


def test_pauses_double_up_to_the_longest_and_end_with_a_success() -> None:
    one, now, pauses = breaker(), 100.0, []
    assert one.ask(now) == 0
    for _ in range(6):
        one.failed(now)
        pauses.append(one.ask(now))
        now += pauses[-1]
        assert one.ask(now) == 0
    assert pauses == [1, 2, 4, 8, 8, 8]
    assert not one.closed
    one.succeeded()
    assert one.closed
    assert one.ask(now) == one.ask(now) == 0


def test_one_attempt_finds_out_for_all() -> None:
    one = breaker()
    one.failed(0.0)
    assert one.ask(1.0) == 0
    assert one.ask(1.0) > 0
    one.released()  # that attempt was given up: the next may try
    assert one.ask(1.0) == 0


def test_attempts_that_were_under_way_do_not_make_the_pause_longer() -> None:
    one = breaker()
    for _ in range(10):
        one.failed(0.0)
    assert one.ask(0.0) == 1.0


def test_pauses_are_shortened_at_random_by_up_to_half() -> None:
    one = Breaker(first=1.0, longest=8.0, chance=lambda: 1.0)
    one.failed(0.0)
    assert one.ask(0.0) == 0.5


def test_the_server_s_own_wish_goes_first_but_not_for_ever() -> None:
    one = breaker()
    one.failed(0.0, 20.0)
    assert one.ask(0.0) == 20.0
    one = breaker()
    one.failed(0.0)
    one.failed(0.0, 5.0)  # a second attempt, that was under way
    assert one.ask(0.0) == 5.0
    one = breaker()
    one.failed(0.0, 1e9)
    assert one.ask(0.0) == 300.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("-3", 0.0),
        ("nan", 0.0),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:16:45 GMT", 5.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_a_wish_may_be_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert asked_delay(header, 1000.0) == seconds


@pytest.mark.parametrize(
    ("content_type", "answer", "rejected"),
    [
        ("application/json", b'{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}', (3, "too old")),
        ("application/json", b'{"partialSuccess": {"rejectedSpans": 2}}', (2, "")),
        ("application/json", b"{}", (0, "")),
        ("application/json", b"<html>", (0, "")),
        ("application/json", b'{"partialSuccess": {"rejectedSpans": "many"}}', (0, "")),
        ("application/x-protobuf", b"\x0a\x06\x08\x03\x12\x02no", (3, "no")),
        ("application/x-protobuf", b"", (0, "")),
        ("application/x-protobuf", b"\xff", (0, "")),
    ],
)
def test_what_a_receiver_refused_of_a_body(content_type: str, answer: bytes, rejected: tuple[int, str]) -> None:
    assert rejected_spans(content_type, answer) == rejected


def test_an_outage_is_said_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    notices = Notices(logging.getLogger("test"), "it", lambda: now)
    with caplog.at_level(logging.INFO):
        notices.working()
        for _ in range(100):
            notices.failing("refused")
        now = 90.0
        notices.working()
        notices.working()
    assert [record.getMessage() for record in caplog.records] == [
        "it: refused; what waits is kept and tried again",
        "it: works again after 90 s",
    ]


def test_losses_are_said_once_a_minute_with_their_number(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    notices = Notices(logging.getLogger("test"), "it", lambda: now)
    for _ in range(5):
        notices.lost("full", "the queue is full")
    now = 61.0
    notices.lost("full", "the queue is full")
    assert [record.getMessage() for record in caplog.records] == [
        "it: the queue is full",
        "it: the queue is full (4 more like it since the last report)",
    ]
