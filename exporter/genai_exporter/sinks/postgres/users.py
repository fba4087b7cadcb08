"""What is stored of user ids."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Final, Literal

_REMEMBERED: Final = 20_000
_DIGEST_BYTES: Final = 16


def user_ids(mode: Literal["hash", "keep", "drop"], key: str) -> Callable[[str], str]:
    """A function from a user id to what is stored of it; ``""`` stays ``""``. ``key`` matters to ``hash`` alone.

    The hash needs the key, so that nobody who has a list of user ids can look them up in the table.
    """
    if mode == "keep":
        return lambda user: user
    if mode == "drop":
        return lambda user: ""
    secret = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()

    @functools.lru_cache(_REMEMBERED)
    def hashed(user: str) -> str:
        if not user:
            return ""
        data = user.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, digest_size=_DIGEST_BYTES, key=secret).hexdigest()

    return hashed
