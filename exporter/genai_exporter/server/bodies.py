"""Decompression of request bodies that stops at a limit, however small the compressed form is."""

from __future__ import annotations

from typing import Final

from isal import igzip_lib

GZIP_MAGIC: Final = b"\x1f\x8b"
# Each member of a gzip body costs a decompressor and a copy of what follows, so empty ones could be used to stall.
MAX_MEMBERS: Final = 1024

# The library's type stub calls this class an instance.
_ISAL_ERROR: Final[type[Exception]] = igzip_lib.IsalError  # type: ignore[assignment]

_FLAGS: Final = {
    "gzip": igzip_lib.DECOMP_GZIP,
    "x-gzip": igzip_lib.DECOMP_GZIP,
    "deflate": igzip_lib.DECOMP_ZLIB,
}
ENCODINGS: Final = tuple(_FLAGS)


class BodyTooLarge(Exception):
    """The body exceeds the limit; how far is not known."""


class BodyCorrupt(Exception):
    """The body is not what its content encoding says, or it ends too early."""


class Inflater:
    """Decompresses one body piece by piece. ``encoding`` is one of ENCODINGS, ``limit`` counts bytes of output."""

    __slots__ = ("_encoding", "_left", "_limit", "_members", "_stream", "_touched")

    def __init__(self, encoding: str, limit: int) -> None:
        self._encoding = encoding
        self._limit = limit
        self._left = limit
        self._members = 0
        self._stream: igzip_lib.IgzipDecompressor | None = None
        self._touched = False

    def feed(self, data: bytes) -> bytes:
        """The decompressed form of the next piece. Raises BodyTooLarge or BodyCorrupt."""
        self._touched = self._touched or bool(data)
        pieces: list[bytes] = []
        while data:
            if self._stream is None:
                data = self._next_member(data)
                continue
            data = self._read(self._stream, data, pieces)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def finish(self) -> None:
        """Check that the body is whole. An empty body is, whatever its encoding. Raises BodyCorrupt."""
        if self._touched and (self._stream is not None or not self._members):
            raise BodyCorrupt(f"the {self._encoding} body is truncated")

    def _next_member(self, data: bytes) -> bytes:
        if self._members:
            if self._encoding == "deflate":
                raise BodyCorrupt("there is data after the end of the deflate body")
            data = data.lstrip(b"\0")  # padding, which gzip itself ignores as well
            if not data:
                return data
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise BodyCorrupt(f"the gzip body has more than {MAX_MEMBERS} members")
        self._stream = igzip_lib.IgzipDecompressor(_FLAGS[self._encoding])
        return data

    def _read(self, stream: igzip_lib.IgzipDecompressor, data: bytes, pieces: list[bytes]) -> bytes:
        while True:
            try:
                piece = stream.decompress(data, self._left + 1)
            except _ISAL_ERROR as error:
                raise BodyCorrupt(f"the {self._encoding} body is corrupt ({error})") from error
            self._left -= len(piece)
            if self._left < 0:
                raise BodyTooLarge(f"the body is larger than {self._limit} bytes after decompression")
            pieces.append(piece)
            if stream.eof:
                self._stream = None
                return stream.unused_data
            if stream.needs_input:
                return b""
            data = b""


def inflate(data: bytes, encoding: str, limit: int) -> bytes:
    """Decompress a whole body. Raises BodyTooLarge or BodyCorrupt."""
    inflater = Inflater(encoding, limit)
    body = inflater.feed(data)
    inflater.finish()
    return body
