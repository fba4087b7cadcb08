"""Listen addresses, as the configuration reads them and as the servers do."""

from __future__ import annotations

import socket

import pytest

from genai_exporter.config.listen import Listen, collide, parse_listen, reaches
from genai_exporter.server import ListenError
from genai_exporter.server import parse_listen as parse_for_binding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:4318", Listen("127.0.0.1", 4318)),
        ("localhost:0", Listen("localhost", 0)),
        (":9464", Listen("", 9464)),
        ("[::1]:65535", Listen("::1", 65535)),
    ],
)
def test_addresses_are_read_as_the_servers_read_them(text: str, expected: Listen) -> None:
    assert parse_listen(text) == expected
    assert tuple(parse_for_binding(text)) == tuple(expected)


@pytest.mark.parametrize(
    "text",
    ["", "4318", "host", "host:", "host:x", "host:-1", "host:65536", "::1:80", "[::1]", "[]:80", "[host]:80", "a]:80"],
)
def test_what_the_servers_refuse_is_refused_before_they_start(text: str) -> None:
    with pytest.raises(ValueError, match=r"is refused\. Accepted: HOST:PORT"):
        parse_listen(text)
    with pytest.raises(ListenError):
        parse_for_binding(text)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("127.0.0.1:1", "127.0.0.1:1", True),
        ("127.0.0.1:1", "127.0.0.2:1", False),
        ("127.0.0.1:1", ":1", True),
        ("[::]:1", "127.0.0.1:1", True),
        ("127.0.0.1:1", "127.0.0.1:2", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
    ],
)
def test_addresses_collide(one: str, other: str, expected: bool) -> None:
    assert collide(parse_listen(one), parse_listen(other)) is expected
    assert collide(parse_listen(other), parse_listen(one)) is expected


@pytest.mark.parametrize(
    ("url", "listen", "expected"),
    [
        ("http://127.0.0.1:4318/v1/traces", "127.0.0.1:4318", True),
        ("http://localhost:4318/v1/traces", "127.0.0.1:4318", True),
        ("http://localhost:4318/v1/traces", ":4318", True),
        ("http://[::1]:4318", "0.0.0.0:4318", True),
        (f"http://{socket.gethostname()}:4318", ":4318", True),
        ("https://localhost", ":443", True),
        ("http://localhost:4319", ":4318", False),
        ("http://tempo:4318", ":4318", False),
        ("http://192.0.2.7:4318", "127.0.0.1:4318", False),
    ],
)
def test_an_address_of_our_own_is_recognised(url: str, listen: str, expected: bool) -> None:
    assert reaches(url, parse_listen(listen)) is expected
