"""OTLP/HTTP under clients that are slow, many, rude or gone: everything stays bounded, and is counted."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2e.receiver_lab import DEADLINE_S, PROTOBUF, Lab, ask, eventually, retry_seconds, send, spans_body
from genai_exporter.server import HttpReceiver, ListenError, ReceiverLimits, start_otlp_grpc, start_otlp_http

HEAD = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\n"


@pytest.fixture(params=["asyncio", "uvloop"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(request.param) as running:
        yield running


def connect(receiver: HttpReceiver) -> socket.socket:
    return socket.create_connection(("127.0.0.1", receiver.port), timeout=DEADLINE_S)


def read_all(connection: socket.socket) -> bytes:
    """What the server sends until it closes the connection."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def test_a_body_that_dribbles_is_ended_with_408(lab: Lab) -> None:
    receiver = lab.http(limits=ReceiverLimits(body_seconds=0.3))
    with connect(receiver) as connection:
        connection.sendall(f"{HEAD}Content-Length: 1000\r\n\r\n".encode() + b"\x0a")
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
    assert lab.requests == [("http", "traces", "408")]
    assert lab.neighbour.taken == []


def test_a_connection_that_dribbles_headers_is_ended(lab: Lab) -> None:
    receiver = lab.http(limits=ReceiverLimits(idle_seconds=0.3))
    with connect(receiver) as connection:
        connection.sendall(b"POST /v1/traces HTTP/1.1\r\nX-Slow: ")
        assert read_all(connection) == b""


def test_connections_beyond_the_limit_are_turned_away(lab: Lab) -> None:
    receiver = lab.http(limits=ReceiverLimits(max_connections=2))
    first, second = connect(receiver), connect(receiver)
    with first, second:
        for held in (first, second):  # answered, so the server knows of both
            held.sendall(f"{HEAD}Content-Length: 0\r\n\r\n".encode())
            assert held.recv(65536).startswith(b"HTTP/1.1 200 ")
        with connect(receiver) as third:
            answer = read_all(third)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in answer
    assert ("http", "other", "503") in lab.requests

    def takes_again() -> bool:
        try:
            return send(receiver.port, b"").code == 200
        except (ConnectionError, http.client.HTTPException):
            return False

    eventually("a connection is accepted again", takes_again)


def test_bodies_of_all_requests_together_are_bounded(lab: Lab) -> None:
    receiver = lab.http(limits=ReceiverLimits(max_held_bytes=100_000))
    with connect(receiver) as slow:
        slow.sendall(f"{HEAD}Content-Length: 90000\r\n\r\n".encode() + bytes(80_000))
        eventually("the slow body is held", lambda: receiver.held_bytes == 80_000)
        answer = send(receiver.port, gzip.compress(bytes(50_000)), Content_Encoding="gzip")
        assert (answer.code, answer.headers["retry-after"], retry_seconds(answer.status)) == (429, "1", 1)
        assert send(receiver.port, spans_body()).code == 200, "what fits is taken"
    eventually("the memory is given back", lambda: receiver.held_bytes == 0)


def test_a_sender_that_leaves_is_counted_and_forgotten(lab: Lab) -> None:
    receiver = lab.http()
    with connect(receiver) as connection:
        connection.sendall(f"{HEAD}Content-Length: 1000\r\n\r\n".encode() + spans_body())
        eventually("the body is being read", lambda: receiver.held_bytes > 0)
    eventually("the request ends", lambda: lab.requests == [("http", "traces", "499")])
    assert receiver.held_bytes == 0
    assert lab.neighbour.taken == []


def test_large_senders_get_the_go_ahead_only_when_the_size_is_fine(lab: Lab) -> None:
    receiver = lab.http(limits=ReceiverLimits(max_body_bytes=50_000))
    with connect(receiver) as connection:
        connection.sendall(f"{HEAD}Expect: 100-continue\r\nContent-Length: 50001\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    body = spans_body(100)
    with connect(receiver) as connection:
        connection.sendall(f"{HEAD}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
        b"POST /v1/traces HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /v1/traces HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=["TLS", "bad length", "huge header", "HTTP/2"],
)
def test_what_is_not_http_gets_400_and_no_log_line(
    lab: Lab, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = lab.http()
    with connect(receiver) as connection:
        connection.sendall(request_bytes)
        # The connection may be reset instead, when the rest of the request was never read.
        with contextlib.suppress(ConnectionResetError):
            assert b" 400 Bad Request\r\n" in read_all(connection)[:40]
    eventually("the request is counted", lambda: lab.requests == [("http", "other", "400")])
    assert not caplog.records
    assert send(receiver.port, b"").code == 200


def test_a_broken_chunked_body_gets_400(lab: Lab) -> None:
    with connect(lab.http()) as connection:
        connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + b"zz\r\n")
        assert b" 400 Bad Request\r\n" in read_all(connection)[:40]
    assert [code for _, _, code in lab.requests] == ["400"]


def test_stop_lets_requests_in_progress_finish(lab: Lab) -> None:
    receiver = lab.http()
    body = spans_body(3)
    with connect(receiver) as connection, ThreadPoolExecutor(1) as pool:
        connection.sendall(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        eventually("the body is being read", lambda: receiver.held_bytes == 10)
        receiver.set_draining()
        stopping = pool.submit(lab.run, receiver.stop(10))

        def refuses() -> bool:
            try:
                connect(receiver).close()
            except ConnectionRefusedError:
                return True
            return False

        eventually("no new connections are accepted", refuses)
        connection.sendall(body[10:])
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")
        stopping.result(DEADLINE_S)
    assert lab.neighbour.taken[0].items == 3
    lab.run(receiver.stop(0))


def test_stop_ends_requests_that_do_not_finish(lab: Lab) -> None:
    receiver = lab.http()
    with connect(receiver) as connection:
        connection.sendall(f"{HEAD}Content-Length: 1000\r\n\r\n".encode() + b"\x0a")
        eventually("the body is being read", lambda: receiver.held_bytes == 1)
        lab.run(receiver.stop(0.05))
        assert not read_all(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("start", [start_otlp_http, start_otlp_grpc])
def test_a_port_in_use_is_an_error_that_names_it(lab: Lab, start: object) -> None:
    assert callable(start)
    taken = lab.http().port
    with pytest.raises(ListenError, match=f"127.0.0.1:{taken}"):
        lab.run(
            start(
                lab.neighbour,
                listen=f"127.0.0.1:{taken}",
                limits=ReceiverLimits(),
                web_config=None,
                now=lambda: 0.0,
                on_request=lab.on_request,
            )
        )


@pytest.mark.parametrize("listen", [":0", "localhost:0"])
def test_a_name_with_several_addresses_has_one_port(lab: Lab, listen: str) -> None:
    receiver = lab.keep(
        start_otlp_http(
            lab.neighbour,
            listen=listen,
            limits=ReceiverLimits(),
            web_config=None,
            now=lambda: 0.0,
            on_request=lab.on_request,
        )
    )
    assert ask(receiver.port, body=b"", Content_Type=PROTOBUF).code == 200
