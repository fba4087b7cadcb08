"""Decompression stops at its limit, and tells whole bodies from damaged ones."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_exporter.server.bodies import ENCODINGS, MAX_MEMBERS, BodyCorrupt, BodyTooLarge, Inflater, inflate

MIB = 1024 * 1024
COMPRESS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}


def test_every_encoding_is_tested() -> None:
    assert set(COMPRESS) == set(ENCODINGS)


@given(
    parts=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
    encoding=st.sampled_from(ENCODINGS),
)
def test_pieces_of_any_size_give_the_same_body(parts: list[bytes], cuts: list[int], encoding: str) -> None:
    whole = b"".join(parts)
    members = [whole] if encoding == "deflate" else parts
    packed = b"".join(COMPRESS[encoding](member) for member in members)
    edges = sorted({0, len(packed), *(min(cut, len(packed)) for cut in cuts)})
    inflater = Inflater(encoding, len(whole))
    got = b"".join(inflater.feed(packed[start:end]) for start, end in pairwise(edges))
    inflater.finish()
    assert got == whole
    assert inflate(packed, encoding, len(whole)) == whole


@given(data=st.binary(max_size=400), encoding=st.sampled_from(ENCODINGS))
def test_any_bytes_are_either_read_or_refused(data: bytes, encoding: str) -> None:
    with contextlib.suppress(BodyCorrupt, BodyTooLarge):
        assert len(inflate(data, encoding, 1000)) <= 1000


@given(body=st.binary(min_size=1, max_size=2000), keep=st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_a_truncated_body_is_never_taken_for_a_whole_one(body: bytes, keep: float) -> None:
    packed = gzip.compress(body)
    cut = max(1, min(len(packed) - 1, int(len(packed) * keep)))
    with pytest.raises(BodyCorrupt, match="truncated"):
        inflate(packed[:cut], "gzip", MIB)


@given(body=st.binary(min_size=1, max_size=500), where=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_changed_byte_never_changes_the_body_unnoticed(body: bytes, where: float, value: int) -> None:
    packed = bytearray(gzip.compress(body))
    packed[int(len(packed) * where)] = value
    with contextlib.suppress(BodyCorrupt, BodyTooLarge):
        assert inflate(bytes(packed), "gzip", MIB) == body


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bomb_is_stopped_at_the_limit(encoding: str) -> None:
    bomb = COMPRESS[encoding](bytes(200 * MIB))
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge, match="1048576"):
            inflate(bomb, encoding, MIB)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


def test_the_limit_counts_all_members_together() -> None:
    packed = gzip.compress(bytes(600)) + gzip.compress(bytes(600))
    assert len(inflate(packed, "gzip", 1200)) == 1200
    with pytest.raises(BodyTooLarge):
        inflate(packed, "gzip", 1199)


def test_members_are_limited() -> None:
    assert inflate(gzip.compress(b"") * MAX_MEMBERS, "gzip", 1) == b""
    with pytest.raises(BodyCorrupt, match="members"):
        inflate(gzip.compress(b"") * (MAX_MEMBERS + 1), "gzip", 1)


def test_padding_after_gzip_is_ignored_and_other_data_is_not() -> None:
    assert inflate(gzip.compress(b"x") + bytes(600), "gzip", 10) == b"x"
    for encoding in ("gzip", "deflate"):
        with pytest.raises(BodyCorrupt):
            inflate(COMPRESS[encoding](b"x") + b"and more", encoding, 10)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_empty_body_is_whole(encoding: str) -> None:
    assert inflate(b"", encoding, 10) == b""
