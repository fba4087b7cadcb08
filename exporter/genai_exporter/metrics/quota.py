"""Provider quotas: how many tokens the last minute used of what the provider allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from genai_exporter.catalogue import QUOTA_TOKENS, QUOTA_USED_TOKENS
from genai_exporter.records import Call

from .children import GaugeChild
from .store import Store

ANY_MODEL = "*"
_SECONDS = 60


class Quota(Protocol):
    """A limit from the configuration; ``model`` is ``*`` when the limit is on all models of the provider together."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def tokens_per_minute(self) -> int: ...


class RollingMinute:
    """A sum over the last 60 seconds, in slots of one second."""

    __slots__ = ("_second", "_slots", "total")

    def __init__(self) -> None:
        self._slots = [0] * _SECONDS
        self._second = 0
        self.total = 0

    def add(self, amount: int, now: float) -> None:
        """Add ``amount`` at ``now`` (Unix seconds)."""
        self.advance(now)
        self._slots[self._second % _SECONDS] += amount
        self.total += amount

    def advance(self, now: float) -> None:
        """Forget what is older than a minute at ``now``. A clock that goes back forgets nothing."""
        second = int(now)
        for passed in range(max(self._second + 1, second - _SECONDS + 1), second + 1):
            slot = passed % _SECONDS
            self.total -= self._slots[slot]
            self._slots[slot] = 0
        self._second = max(self._second, second)


class QuotaBoard:
    """The gauges of all configured quotas, fed with every call."""

    def __init__(self, store: Store) -> None:
        self._limits = store.gauge(QUOTA_TOKENS)
        self._used = store.gauge(QUOTA_USED_TOKENS)
        self._minutes: dict[tuple[str, str], tuple[RollingMinute, GaugeChild]] = {}

    def configure(self, quotas: Iterable[Quota], now: float) -> None:
        """Take over ``quotas``. One that stays keeps its last minute; one that is gone leaves the page when idle."""
        before = self._minutes
        self._minutes = {}
        for quota in quotas:
            key = (quota.provider, quota.model)
            self._limits.child(key, now, keep=True).set(quota.tokens_per_minute)
            used = self._used.child(key, now, keep=True)
            self._minutes[key] = before.get(key, (RollingMinute(), used))
        for key in before.keys() - self._minutes.keys():
            self._limits.child(key, now).kept = False
            self._used.child(key, now).kept = False

    def __bool__(self) -> bool:
        return bool(self._minutes)

    def add(self, call: Call, now: float) -> None:
        """Count the call's tokens against its model's quota and its provider's."""
        tokens = (call.input_tokens or 0) + (call.output_tokens or 0)
        for model in {call.request_model, ANY_MODEL}:
            found = self._minutes.get((call.provider, model))
            if found is not None:
                found[0].add(tokens, now)

    def tick(self, now: float) -> None:
        """Bring the gauges up to ``now``."""
        for minute, gauge in self._minutes.values():
            minute.advance(now)
            gauge.set(minute.total)
