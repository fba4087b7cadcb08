"""The queues of the sinks: bounded, oldest out first, and nothing uncounted."""

from __future__ import annotations

import asyncio
import random
import threading

from genai_exporter.records import Settled
from genai_exporter.sinks.bodies import Body, BodyQueue
from genai_exporter.sinks.postgres.batch import Batch, Entry
from genai_exporter.sinks.postgres.queue import EntryQueue


def body(size: int = 10, spans: int = 1) -> Body:
    return Body(b"x" * size, "protobuf", spans)


def test_bodies_come_out_in_order_and_a_failed_one_comes_first_again() -> None:
    async def scenario() -> None:
        queue = BodyQueue(max_bytes=1000, max_spans=100)
        bodies = [body() for _ in range(3)]
        for one in bodies:
            assert queue.put(one) == 0
        first = await queue.take()
        assert first is bodies[0]
        queue.put_back(first)
        assert [await queue.take() for _ in range(3)] == bodies
        for one in bodies:
            queue.done(one)
        assert queue.empty
        assert (queue.bytes, queue.spans) == (0, 0)

    asyncio.run(scenario())


def test_a_body_that_does_not_fit_pushes_out_the_oldest_by_bytes_and_by_spans() -> None:
    queue = BodyQueue(max_bytes=100, max_spans=10)
    assert [queue.put(body(40, 2)) for _ in range(3)] == [0, 0, 2]
    assert (queue.bytes, queue.spans) == (80, 4)
    assert queue.put(body(1, 9)) == 4
    assert (queue.bytes, queue.spans) == (1, 9)
    assert queue.put(body(101, 1)) == 10  # and itself, because it never fits
    assert queue.empty


def test_what_is_being_sent_is_in_memory_too() -> None:
    async def scenario() -> None:
        queue = BodyQueue(max_bytes=100, max_spans=100)
        queue.put(body(90))
        sending = await queue.take()
        assert queue.put(body(20)) == 1  # it has no room beside the other
        assert queue.bytes == 90
        assert not queue.empty
        queue.done(sending)
        assert queue.put(body(20)) == 0

    asyncio.run(scenario())


def entry(rows: int) -> Entry:
    return Entry(Settled([], [], [], []), [], 0.0, rows)


def test_entries_are_bounded_in_rows() -> None:
    queue = EntryQueue(10)
    assert [queue.put(entry(4)) for _ in range(3)] == [0, 0, 4]
    assert queue.rows == 8
    assert [one.rows for one in queue.take(5)] == [4, 4]
    assert queue.rows == 8  # until they are written
    assert queue.put(entry(4)) == 4  # no room beside them
    queue.done(8)
    assert queue.rows == 0
    assert queue.put(entry(11)) == 11
    assert queue.take(100) == []


def test_two_threads_lose_no_row() -> None:
    queue = EntryQueue(50)
    offered = dropped = taken = 0
    stop = threading.Event()

    def consume() -> None:
        nonlocal taken
        while not stop.is_set() or queue.rows:
            rows = sum(one.rows for one in queue.take(7))
            taken += rows
            queue.done(rows)

    thread = threading.Thread(target=consume)
    thread.start()
    chance = random.Random(3)
    for _ in range(20_000):
        rows = chance.randint(1, 9)
        offered += rows
        dropped += queue.put(entry(rows))
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert taken + dropped == offered
    assert queue.rows == 0


def test_a_batch_is_halved_down_to_single_rows() -> None:
    batch = Batch()
    batch.lines["calls"] = ["a", "b", "c"]
    batch.lines["scores"] = ["d", "e"]
    pending, singles = [batch], []
    while pending:
        one = pending.pop(0)
        if one.rows == 1:
            singles += [line for lines in one.lines.values() for line in lines]
        else:
            halves = one.halves()
            assert all(half.rows for half in halves)
            pending[:0] = halves
    assert singles == ["a", "b", "c", "d", "e"]
