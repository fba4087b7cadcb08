"""Listening addresses: ``host:port``, ``[::1]:port`` or ``:port`` for all interfaces."""

from __future__ import annotations

import contextlib
import socket
from typing import NamedTuple

BACKLOG = 1024
# A peer that stops reading, or vanishes, is given up after this time instead of holding its connection for good.
USER_TIMEOUT_MS = 60_000
MAX_PORT = 65_535


class ListenError(OSError):
    """An address cannot be read or cannot be listened on."""


class Address(NamedTuple):
    """``host`` without brackets, ``""`` for all interfaces; ``port`` 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(listen: str) -> Address:
    """Read a listening address. Raises ListenError with the accepted forms."""
    host, colon, port = listen.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    good_host = bool(host) and ":" in host if bracketed else ":" not in host and "[" not in host and "]" not in host
    good_port = port.isascii() and port.isdigit() and int(port) <= MAX_PORT
    if not (colon and good_host and good_port):
        raise ListenError(f"cannot listen on {listen!r}: expected host:port, [::1]:port or :port, port 0 to {MAX_PORT}")
    return Address(host, int(port))


def bind(address: Address) -> list[socket.socket]:
    """Sockets that listen on every address the host stands for, all with the same port. Raises ListenError."""
    try:
        if not address.host:
            return [_listen(*_any_interface(address.port))]
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror or error}") from error
    sockets: list[socket.socket] = []
    port = address.port
    try:
        for family, where in dict.fromkeys((family, where) for family, _, _, _, where in found):
            # A chosen port (0) is chosen once: the name's other addresses take the same one.
            sockets.append(_listen(family, (where[0], port, *where[2:])))
            port = sockets[0].getsockname()[1]
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise ListenError(f"cannot listen on {address}: {error.strerror or error}") from error
    return sockets


def _any_interface(port: int) -> tuple[int, tuple[object, ...]]:
    if socket.has_dualstack_ipv6():
        return socket.AF_INET6, ("::", port)
    return socket.AF_INET, ("0.0.0.0", port)


def _listen(family: int, where: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if where[0] == "::" else 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            with contextlib.suppress(OSError):
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        listener.bind(where)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
