"""Checks of the Authorization header: basic authentication against bcrypt hashes, and bearer tokens."""

from __future__ import annotations

import asyncio
import base64
import binascii
import enum
import hashlib
import hmac
import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import bcrypt
import msgspec

REMEMBERED: Final = 256
MAX_WAITING: Final = 16
# bcrypt itself reads no further than this; the library refuses longer input, where others have always cut it.
BCRYPT_READS: Final = 72
DEFAULT_COST: Final = 10


class Verdict(enum.Enum):
    """What a request's credentials amount to."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    BUSY = "busy"  # too many checks of passwords are waiting


class Accounts(msgspec.Struct, frozen=True):
    """Who may enter: bcrypt hashes by user name, and the SHA-256 digests of bearer tokens."""

    users: Mapping[str, bytes]
    tokens: frozenset[bytes] = frozenset()
    # Compared with when a user is unknown, so that the time of the answer does not tell which users exist.
    decoy: bytes = b""

    @classmethod
    def of(cls, users: Mapping[str, bytes], tokens: frozenset[bytes] = frozenset()) -> Accounts:
        """Accounts with a decoy hash as costly as the costliest real one."""
        cost = max((cost_of(hashed) for hashed in users.values()), default=DEFAULT_COST)
        return cls(users=users, tokens=tokens, decoy=decoy_hash(cost))

    @property
    def open(self) -> bool:
        """Nobody has to authenticate."""
        return not self.users and not self.tokens

    @property
    def challenges(self) -> list[str]:
        """Values of WWW-Authenticate."""
        offered = ['Basic realm="genai-exporter", charset="UTF-8"'] if self.users else []
        return [*offered, 'Bearer realm="genai-exporter"'] if self.tokens else offered


def cost_of(hashed: bytes) -> int:
    """The cost parameter of a bcrypt hash (``$2y$10$...`` is 10)."""
    return int(hashed[4:6])


def decoy_hash(cost: int) -> bytes:
    """A well-formed hash of no known password."""
    alphabet = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    digest = bytes(alphabet[byte % 64] for byte in os.urandom(31))
    return bcrypt.gensalt(cost) + digest


class Gate:
    """Checks credentials and remembers the outcome, since one bcrypt comparison costs as much as a thousand requests.

    Comparisons run one at a time on a worker thread, so neither a slow hash nor a guessing client stops the event loop.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, None] = OrderedDict()
        # Refusals are remembered apart: guessing must not push the accepted ones out.
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._pepper = os.urandom(32)
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def check(self, authorization: str | None, accounts: Accounts) -> Verdict:
        """Decide about the value of an Authorization header (None when the request has none)."""
        if accounts.open:
            return Verdict.ADMITTED
        if authorization is None:
            return Verdict.REFUSED
        scheme, _, credentials = authorization.strip().partition(" ")
        if scheme.lower() == "bearer":
            digest = hashlib.sha256(credentials.strip().encode("utf-8", "surrogateescape")).digest()
            matches = [hmac.compare_digest(digest, token) for token in accounts.tokens]
            return Verdict.ADMITTED if any(matches) else Verdict.REFUSED
        if scheme.lower() != "basic":
            return Verdict.REFUSED
        try:
            user, colon, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
            name = user.decode()
        except (binascii.Error, ValueError):
            return Verdict.REFUSED
        if not colon:
            return Verdict.REFUSED
        return await self._check_password(name, password, accounts)

    async def _check_password(self, user: str, password: bytes, accounts: Accounts) -> Verdict:
        known = user in accounts.users
        hashed = accounts.users.get(user, accounts.decoy)
        # The stored hash is part of the key, so a changed password takes effect at once.
        key = hashlib.blake2b(
            b"%d:%b%d:%b%b" % (len(user), user.encode(), len(password), password, hashed), key=self._pepper
        ).digest()
        if key in self._known:
            self._known.move_to_end(key)
            return Verdict.ADMITTED
        if key in self._refused:
            return Verdict.REFUSED
        if self._waiting >= MAX_WAITING:
            return Verdict.BUSY
        self._waiting += 1
        try:
            async with self._turn:
                matches = key in self._known or await asyncio.to_thread(password_matches, password, hashed)
        finally:
            self._waiting -= 1
        admitted = matches and known
        self._remember(self._known if admitted else self._refused, key)
        return Verdict.ADMITTED if admitted else Verdict.REFUSED

    @staticmethod
    def _remember(outcomes: OrderedDict[bytes, None], key: bytes) -> None:
        outcomes[key] = None
        if len(outcomes) > REMEMBERED:
            outcomes.popitem(last=False)


def password_matches(password: bytes, hashed: bytes) -> bool:
    """Whether a password belongs to a bcrypt hash. Slow on purpose."""
    try:
        return bcrypt.checkpw(password[:BCRYPT_READS], hashed)
    except ValueError:  # a password with a NUL byte, which bcrypt cannot represent
        return False
