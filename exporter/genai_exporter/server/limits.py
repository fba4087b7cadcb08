"""Bounds of the servers. Everything a client can make grow has one here."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

MIB = 1024 * 1024


class ReceiverLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one client, and all of them together, may ask of a receiver."""

    max_body_bytes: int = 16 * MIB  # of one request as it arrives, compressed or not
    max_decompressed_bytes: int = 64 * MIB  # of one request after decompression; decompression stops there
    max_held_bytes: int = 512 * MIB  # decompressed bodies of all HTTP requests in progress; beyond it: 429
    max_connections: int = 1024  # HTTP connections; further ones are answered with 503 and closed
    max_concurrent_calls: int = 256  # gRPC calls in progress; beyond it: RESOURCE_EXHAUSTED
    body_seconds: float = 30.0  # from the request's headers to the end of its body; beyond it: 408
    idle_seconds: float = 120.0  # for a connection without a complete request, including one that sends headers slowly

    def __post_init__(self) -> None:
        _positive(self)


class WebOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How much clients may ask of the web endpoint, and from which size on a page is compressed."""

    max_connections: int = 256
    idle_seconds: float = 180.0  # longer than usual scrape intervals, so that a scraper keeps its connection
    compress_from_bytes: int = 1024

    def __post_init__(self) -> None:
        _positive(self)


class Link(NamedTuple):
    """A link on the landing page. ``href`` is relative (``metrics``) or absolute."""

    text: str
    href: str
    description: str = ""


def _positive(limits: msgspec.Struct) -> None:
    for name in limits.__struct_fields__:
        if not getattr(limits, name) > 0:
            raise ValueError(f"{name} must be greater than 0, not {getattr(limits, name)}")
