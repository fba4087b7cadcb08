"""Listen addresses: ``host:port``, ``[v6]:port``, ``:port`` for all interfaces."""

from __future__ import annotations

import socket
from typing import NamedTuple
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY = frozenset({"", "0.0.0.0", "::"})


class Listen(NamedTuple):
    """A parsed listen address. ``host`` is ``""`` for all interfaces; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str) -> Listen:
    """``host`` and ``port`` of a listen address. Raises ValueError with what is accepted."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    valid_host = ":" in host if bracketed else not any(c in ":[]/" or c.isspace() for c in host)
    if not colon or not valid_host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r} is refused. Accepted: HOST:PORT, [IPV6]:PORT or :PORT, with a port from 0 to 65535")
    return Listen(host, int(port))


def collide(one: Listen, other: Listen) -> bool:
    """Whether both cannot be bound at once."""
    if one.port != other.port or one.port == 0:
        return False
    return one.host == other.host or one.host in _ANY or other.host in _ANY


def reaches(url: str, listen: Listen) -> bool:
    """Whether a request to ``url`` ends at ``listen`` on this machine, as far as names tell without a lookup."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if port != listen.port:
        return False
    if host == listen.host.lower():
        return True
    local = host in _LOOPBACK or host in _ANY or host == socket.gethostname().lower()
    return local and (listen.host in _ANY or listen.host in _LOOPBACK)
