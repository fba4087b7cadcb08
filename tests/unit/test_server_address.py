"""Listening addresses."""

from __future__ import annotations

import pytest

from genai_exporter.server import Address, ListenError, ReceiverLimits, WebOptions, parse_listen


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:4318", Address("127.0.0.1", 4318)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:4318", Address("::1", 4318)),
        (":9464", Address("", 9464)),
        (" 0.0.0.0:65535 ", Address("0.0.0.0", 65535)),
    ],
)
def test_accepted_forms(listen: str, address: Address) -> None:
    assert parse_listen(listen) == address
    assert str(address) == listen.strip()


@pytest.mark.parametrize(
    "listen",
    ["", "4318", "localhost", "localhost:", "localhost:http", "::1:4318", "[]:1", "[host]:1", "h:65536", "h:-1", "h:²"],
)
def test_other_forms_are_refused_with_the_accepted_ones(listen: str) -> None:
    with pytest.raises(ListenError, match=r"host:port, \[::1\]:port or :port"):
        parse_listen(listen)


@pytest.mark.parametrize("kind", [ReceiverLimits, WebOptions])
def test_limits_must_be_limits(kind: type) -> None:
    for name in kind.__struct_fields__:
        for wrong in (0, -1, float("nan")):
            with pytest.raises(ValueError, match=name):
                kind(**{name: wrong})
