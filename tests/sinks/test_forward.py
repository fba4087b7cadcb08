"""Forwarding to a receiver that works, fails, and comes back (design invariants 7 and 8)."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from genai_exporter.config import ConfigError, ForwardSettings, Secret
from genai_exporter.errors import Full, Receipt, Unreadable
from genai_exporter.sinks.breaker import Breaker
from genai_exporter.sinks.forward import Forwarder, ForwardingPipeline

DEADLINE = 20.0


class Tempo:
    """An OTLP/HTTP receiver for traces that answers as it is told; each answer is (status, headers, body)."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.always: tuple[int, dict[str, str], bytes] = (200, {}, b"")
        self.hang = False
        self.bodies: list[bytes] = []
        self.requests = 0
        self.headers: list[dict[str, str]] = []
        self.connections: set[object] = set()
        self._runner: web.AppRunner | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/traces"

    async def start(self) -> None:
        app = web.Application(client_max_size=100_000_000)
        app.router.add_post("/v1/traces", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.connections.add(request.transport)
        if self.hang:
            await asyncio.sleep(DEADLINE)
        body = await request.read()
        self.headers.append(dict(request.headers))
        status, headers, answer = self.answers.pop(0) if self.answers else self.always
        if status == 200:
            self.bodies.append(body)
        if status == 0:  # hang up
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=status, headers=headers, body=answer)


def run(
    scenario: Callable[[Tempo, Forwarder], Awaitable[None]], *, started: bool = True, clock: Any = None, **settings: Any
) -> tuple[Tempo, Forwarder]:
    """Runs a scenario with a receiver and a forwarder to it, both of which it may stop."""

    async def inner() -> tuple[Tempo, Forwarder]:
        tempo = Tempo()
        if started:
            await tempo.start()
        given = {"endpoint": tempo.url, "connections": 1, **settings}
        forwarder = Forwarder(ForwardSettings(**given), breaker=Breaker(first=0.01, longest=0.05))
        await forwarder.start()
        try:
            async with asyncio.timeout(DEADLINE):
                await scenario(tempo, forwarder)
        finally:
            await forwarder.stop(0)
            await tempo.stop()
        return tempo, forwarder

    return asyncio.run(inner())


async def until(ask: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not ask():
            await asyncio.sleep(0.005)


async def delivered(forwarder: Forwarder) -> None:
    await until(lambda: not forwarder.stats.waiting())


def items(forwarder: Forwarder) -> dict[str, int]:
    return {result: count for result, count in forwarder.stats.items().items() if count}


def some_spans(count: int = 3, name: str = "chat") -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(1, count + 1):
        scope.spans.add(name=name, trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"))
    body: bytes = request.SerializeToString()
    return body


def test_a_body_arrives_byte_by_byte_as_it_was() -> None:
    bodies = [some_spans(3, "a"), some_spans(2, "b" * 5000), b'{"resourceSpans": [ ]}']

    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        forwarder.offer(bodies[0], "protobuf", 3)
        forwarder.offer(bodies[1], "protobuf", 2)
        forwarder.offer(bodies[2], "json", 1)
        await delivered(forwarder)

    tempo, forwarder = run(scenario)
    assert tempo.bodies == bodies
    types = [headers["Content-Type"] for headers in tempo.headers]
    assert types == ["application/x-protobuf", "application/x-protobuf", "application/json"]
    assert all("Content-Encoding" not in headers for headers in tempo.headers)
    assert items(forwarder) == {"delivered": 6}
    assert forwarder.stats.up
    assert len(tempo.connections) == 1  # kept


def test_large_bodies_are_compressed_when_asked_for() -> None:
    small, large = some_spans(1), some_spans(1, "b" * 5000)

    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        forwarder.offer(small, "protobuf", 1)
        forwarder.offer(large, "protobuf", 1)
        await delivered(forwarder)

    tempo, _ = run(scenario, gzip=True)
    assert [headers.get("Content-Encoding") for headers in tempo.headers] == [None, "gzip"]
    # aiohttp has decompressed it already when it is read.
    assert tempo.bodies == [small, large]
    assert int(tempo.headers[1]["Content-Length"]) < len(gzip.compress(large, 1)) * 2 < len(large)


def test_headers_and_authorization_are_sent_and_a_changed_file_is_read_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("Bearer one\n")

    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        forwarder.offer(some_spans(), "protobuf", 3)
        await delivered(forwarder)
        fresh = tmp_path / "fresh"
        fresh.write_text("Bearer two")
        fresh.rename(token)
        forwarder.offer(some_spans(), "protobuf", 3)
        await delivered(forwarder)
        token.unlink()
        forwarder.offer(some_spans(), "protobuf", 3)
        await delivered(forwarder)

    tempo, _ = run(scenario, headers={"X-Scope-OrgID": "team-a"}, authorization_file=str(token))
    assert [headers["Authorization"] for headers in tempo.headers] == ["Bearer one", "Bearer two", "Bearer two"]
    assert {headers["X-Scope-OrgID"] for headers in tempo.headers} == {"team-a"}


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    url = "http://127.0.0.1:1/v1/traces"
    with pytest.raises(ConfigError, match=r"forward\.authorization_file: .* is empty"):
        Forwarder(ForwardSettings(endpoint=url, authorization_file=str(empty)))
    with pytest.raises(ConfigError, match=r"forward\.ca_file: .* cannot be used"):
        Forwarder(ForwardSettings(endpoint=url, ca_file=str(empty)))
    Forwarder(ForwardSettings(endpoint=url, authorization=Secret("Bearer x")))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 401, 403, 404, 307, 0])
def test_what_may_pass_is_tried_again(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        tempo.answers = [(status, {"Location": "http://elsewhere/"} if status == 307 else {}, b"no")] * 3
        forwarder.offer(some_spans(), "protobuf", 3)
        await delivered(forwarder)

    with caplog.at_level(logging.INFO):
        tempo, forwarder = run(scenario)
    assert items(forwarder) == {"delivered": 3}
    assert (tempo.requests, forwarder.stats.retries) == (4, 3)
    assert forwarder.stats.up
    assert caplog.text.count("tried again") == 1
    assert caplog.text.count("works again") == 1


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_body_that_is_refused_is_counted_and_the_next_is_sent(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        tempo.answers = [(status, {}, b"span is too odd")]
        forwarder.offer(some_spans(), "protobuf", 3)
        forwarder.offer(some_spans(2), "protobuf", 2)
        await delivered(forwarder)

    tempo, forwarder = run(scenario)
    assert items(forwarder) == {"rejected": 3, "delivered": 2}
    assert tempo.requests == 2
    assert "3 spans were refused" in caplog.text
    assert "span is too odd" in caplog.text


def test_a_body_at_which_the_receiver_fails_every_time_does_not_hold_up_the_others() -> None:
    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        tempo.answers = [(500, {}, b"")] * 5
        forwarder.offer(some_spans(), "protobuf", 3)
        forwarder.offer(some_spans(2), "protobuf", 2)
        await delivered(forwarder)

    tempo, forwarder = run(scenario)
    assert items(forwarder) == {"rejected": 3, "delivered": 2}
    assert tempo.requests == 6


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_spans_refused_out_of_a_body_are_counted(encoding: Any) -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 2
    response.partial_success.error_message = "too old"
    answers = {
        "protobuf": (200, {"Content-Type": "application/x-protobuf"}, response.SerializeToString()),
        "json": (200, {"Content-Type": "application/json"}, b'{"partialSuccess": {"rejectedSpans": "2"}}'),
    }

    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        tempo.answers = [answers[encoding]]
        forwarder.offer(some_spans(), encoding, 3)
        await delivered(forwarder)

    _, forwarder = run(scenario)
    assert items(forwarder) == {"rejected": 2, "delivered": 1}


def test_a_receiver_that_asks_for_patience_gets_it() -> None:
    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        tempo.answers = [(429, {"Retry-After": "120"}, b"")]
        forwarder.offer(some_spans(), "protobuf", 3)
        forwarder.offer(some_spans(), "protobuf", 3)
        await until(lambda: not forwarder.stats.up)
        assert forwarder._breaker.ask(forwarder._clock()) > 100

    tempo, forwarder = run(scenario)
    assert tempo.requests == 1
    assert items(forwarder) == {"dropped": 6}  # at the stop


def test_what_came_during_an_outage_arrives_afterwards() -> None:
    bodies = [some_spans(3, f"n{number}") for number in range(50)]

    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        for one in bodies[:10]:
            forwarder.offer(one, "protobuf", 3)
        await delivered(forwarder)
        await tempo.stop()
        for one in bodies[10:]:
            forwarder.offer(one, "protobuf", 3)
        await until(lambda: not forwarder.stats.up)
        assert forwarder.stats.waiting() == 120
        await tempo.start()
        await delivered(forwarder)

    tempo, forwarder = run(scenario, connections=4)
    assert sorted(tempo.bodies) == sorted(bodies)
    assert items(forwarder) == {"delivered": 150}
    assert forwarder.stats.up


def test_an_outage_longer_than_the_queue_drops_the_oldest_and_counts_them(caplog: pytest.LogCaptureFixture) -> None:
    bodies = [some_spans(3, f"n{number:03}") for number in range(40)]

    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        for one in bodies:
            forwarder.offer(one, "protobuf", 3)
            assert forwarder.stats.waiting() <= 30
            assert forwarder.stats.waiting_bytes is not None
            assert forwarder.stats.waiting_bytes() <= forwarder.stats.limit_bytes
            await asyncio.sleep(0)
        await until(lambda: forwarder.stats.retries > 3)
        assert items(forwarder) == {"dropped": 90}
        await tempo.start()
        await delivered(forwarder)

    tempo, forwarder = run(scenario, started=False, max_queue_spans=30)
    assert tempo.bodies == bodies[30:]
    assert items(forwarder) == {"dropped": 90, "delivered": 30}
    assert caplog.text.count("the queue is full") == 1


def test_the_queue_is_bounded_in_bytes() -> None:
    body = some_spans(1, "x" * 400)

    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        for _ in range(20):
            forwarder.offer(body, "protobuf", 1)
        assert forwarder.stats.waiting() == 4096 // len(body)

    run(scenario, started=False, max_queue_bytes=4096)


def test_a_receiver_that_does_not_answer_is_given_up_in_time() -> None:
    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        tempo.hang = True
        forwarder.offer(some_spans(), "protobuf", 3)
        await until(lambda: forwarder.stats.retries)
        assert not forwarder.stats.up
        tempo.hang = False
        await delivered(forwarder)

    _, forwarder = run(scenario, timeout_seconds=0.2)
    assert items(forwarder) == {"delivered": 3}


def test_a_stop_sends_what_waits() -> None:
    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        for _ in range(20):
            forwarder.offer(some_spans(), "protobuf", 3)
        await forwarder.stop(DEADLINE)

    tempo, forwarder = run(scenario)
    assert items(forwarder) == {"delivered": 60}
    assert len(tempo.bodies) == 20


def test_a_stop_without_a_receiver_ends_in_time_and_counts_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        for _ in range(20):
            forwarder.offer(some_spans(), "protobuf", 3)
        await forwarder.stop(0.1)

    _, forwarder = run(scenario, started=False)
    assert items(forwarder) == {"dropped": 60}
    assert "60 spans could not be delivered before the stop" in caplog.text


def test_only_what_the_pipeline_has_taken_is_forwarded() -> None:
    class Pipeline:
        answer: Receipt | Exception = Receipt(2, 1, "one is odd")

        def traces(self, body: bytes, encoding: str, now: float) -> Receipt:
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        def logs(self, body: bytes, encoding: str, now: float) -> Receipt:
            return Receipt(5)

        metrics = logs

    async def scenario(tempo: Tempo, forwarder: Forwarder) -> None:
        inner = Pipeline()
        pipeline = ForwardingPipeline(inner, forwarder)  # type: ignore[arg-type]
        assert pipeline.traces(b"taken", "protobuf", 0.0) == inner.answer
        for refusal in (Full(), Unreadable("no")):
            inner.answer = refusal
            with pytest.raises(type(refusal)):
                pipeline.traces(b"refused", "protobuf", 0.0)
        inner.answer = Receipt(0)
        pipeline.traces(b"", "protobuf", 0.0)
        assert pipeline.logs(b"", "json", 0.0) == pipeline.metrics(b"", "json", 0.0) == Receipt(5)
        await delivered(forwarder)

    tempo, forwarder = run(scenario)
    assert tempo.bodies == [b"taken"]
    assert items(forwarder) == {"delivered": 3}
