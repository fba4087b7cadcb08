"""Checks of credentials: what admits, what it costs, and what is remembered."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import bcrypt
import pytest

from genai_exporter.server import credentials
from genai_exporter.server.credentials import MAX_WAITING, REMEMBERED, Accounts, Gate, Verdict


def hashed(password: str) -> bytes:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


ACCOUNTS = Accounts.of(
    {"ada": hashed("secret"), "ümit": hashed("pass:word")}, frozenset([hashlib.sha256(b"t").digest()])
)


class Counted:
    """Counts the slow comparisons, and with which hash they were made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashes: list[bytes] = []
        real = credentials.password_matches

        def count(password: bytes, hashed: bytes) -> bool:
            self.hashes.append(hashed)
            return real(password, hashed)

        monkeypatch.setattr(credentials, "password_matches", count)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def check(*headers: str | None, gate: Gate | None = None, accounts: Accounts = ACCOUNTS) -> list[Verdict]:
    async def all_of_them() -> list[Verdict]:
        used = gate or Gate()
        return [await used.check(header, accounts) for header in headers]

    return asyncio.run(all_of_them())


def test_right_credentials_are_admitted() -> None:
    lower_case = "basic " + basic("ada", "secret").removeprefix("Basic ")
    accepted = [basic("ada", "secret"), lower_case, basic("ümit", "pass:word"), "Bearer t", "bearer  t "]
    assert check(*accepted) == [Verdict.ADMITTED] * 5


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:secret").decode(),
        "Digest username=ada",
        "Bearer",
        "Bearer T",
        "Bearer \udcff",
        basic("ada", ""),
        basic("ada", "Secret"),
        basic("ADA", "secret"),
        basic("bob", "secret"),
        basic("ada", "secret\0"),
        basic("ada", "x" * 10_000),
    ],
)
def test_everything_else_is_refused(header: str | None) -> None:
    assert check(header) == [Verdict.REFUSED]


def test_without_accounts_everybody_is_admitted() -> None:
    nobody = Accounts.of({})
    assert check(None, "Bearer of-another-platform", accounts=nobody) == [Verdict.ADMITTED] * 2
    assert nobody.challenges == []


def test_passwords_longer_than_bcrypt_reads_are_cut_as_elsewhere() -> None:
    long = "x" * 100
    accounts = Accounts.of({"ada": hashed(long[:72])})
    assert check(basic("ada", long), accounts=accounts) == [Verdict.ADMITTED]


def test_unknown_users_cost_as_much_as_known_ones(counted: Counted) -> None:
    accounts = Accounts.of({"ada": hashed("a"), "bob": bcrypt.hashpw(b"b", bcrypt.gensalt(5))})
    assert check(basic("eve", "guess"), accounts=accounts) == [Verdict.REFUSED]
    assert counted.hashes == [accounts.decoy]
    assert credentials.cost_of(accounts.decoy) == 5


def test_the_decoy_admits_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "password_matches", lambda password, hashed: True)
    assert check(basic("eve", "right for the decoy")) == [Verdict.REFUSED]


def test_outcomes_are_remembered(counted: Counted) -> None:
    headers = [basic("ada", "secret"), basic("ada", "wrong"), basic("eve", "x")] * 5
    assert set(check(*headers)) == {Verdict.ADMITTED, Verdict.REFUSED}
    assert len(counted.hashes) == 3


def test_a_changed_password_takes_effect_at_once() -> None:
    gate = Gate()
    assert check(basic("ada", "secret"), gate=gate) == [Verdict.ADMITTED]
    changed = Accounts.of({"ada": hashed("other")})
    assert check(basic("ada", "secret"), basic("ada", "other"), gate=gate, accounts=changed) == [
        Verdict.REFUSED,
        Verdict.ADMITTED,
    ]


def test_guessing_does_not_push_out_the_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []

    def quick(password: bytes, hashed: bytes) -> bool:
        calls.append(password)
        return password == b"secret"

    monkeypatch.setattr(credentials, "password_matches", quick)
    guesses = [basic("ada", f"guess {number}") for number in range(REMEMBERED + 10)]
    check(basic("ada", "secret"), *guesses, basic("ada", "secret"), guesses[0])
    assert calls.count(b"secret") == 1
    assert calls.count(b"guess 0") == 2, "the oldest refusals are forgotten"


def test_waiting_checks_are_bounded() -> None:
    async def crowd() -> list[Verdict]:
        gate = Gate()
        checks = (gate.check(basic("ada", f"guess {number}"), ACCOUNTS) for number in range(MAX_WAITING + 5))
        return list(await asyncio.gather(*checks))

    verdicts = asyncio.run(crowd())
    assert verdicts.count(Verdict.BUSY) == 5
    assert verdicts.count(Verdict.REFUSED) == MAX_WAITING


def test_challenges_name_what_is_configured() -> None:
    assert [challenge.split()[0] for challenge in ACCOUNTS.challenges] == ["Basic", "Bearer"]
    assert [challenge.split()[0] for challenge in Accounts.of({"ada": hashed("a")}).challenges] == ["Basic"]
