"""Dialect tables compiled into one lookup, keyed by raw key bytes.

All dialects share the lookup, so a span that mixes them needs no detection and ten dialects cost what one costs. The
compiler refuses tables that contradict each other; it runs once, at start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from genai_exporter.dialects.fields import FIELD_NAMES, SLOTS, Dialect, Kind, Row, ScopeRule

#: Keys that no row knows are remembered as such, so that an unknown attribute costs one dictionary lookup.
MAX_REMEMBERED_KEYS: Final = 20_000

#: How ``Plan.quick`` says to read a value.
IGNORE: Final = 0
WHOLE: Final = 1
WORD: Final = 2
_QUICK_KINDS: Final = {Kind.TOKENS: WHOLE, Kind.IDENTIFIER: WORD}

#: What events tell has this rank: weaker than any attribute. Rows have smaller ones.
MAX_RANK: Final = 70
_NO_MEMBERS: Final = frozenset({Kind.EXPAND, Kind.ROLE, Kind.EVALUATION})


class BadTable(ValueError):
    """A dialect table contradicts itself or another one."""


class Plan:
    """Which row reads an attribute key. ``row`` is the only method on the hot path."""

    def __init__(self, dialects: Iterable[Dialect], extra: Iterable[Row] = ()) -> None:
        self.dialects = tuple(dialects)
        self._rows: dict[bytes, tuple[Row, ...]] = {}
        self._patterns: list[tuple[re.Pattern[bytes], Row]] = []
        self._remembered: dict[bytes, tuple[Row, ...]] = {}
        self._preferred: dict[tuple[int, int], str] = {}
        self.scope_rules: list[ScopeRule] = []
        for dialect in self.dialects:
            self._add_dialect(dialect)
        for row in extra:
            key = row.key.encode()
            self._rows[key] = (row, *self._rows.get(key, ()))
        self.quick: dict[bytes, tuple[int, int, int]] = {}
        for key, rows in self._rows.items():
            self._remember(key, rows)
        # The longest prefix is the most specific rule.
        self.scope_rules.sort(key=lambda rule: -len(rule.prefix))

    def _add_dialect(self, dialect: Dialect) -> None:
        own: set[bytes] = set()
        for row in dialect.rows:
            where = f"{dialect.name}: {row.key}"
            if not 0 <= row.field < SLOTS:
                raise BadTable(f"{where} feeds unknown field {row.field}")
            if row.kind is Kind.EXPAND and not row.members:
                raise BadTable(f"{where} expands into nothing")
            for path, slot, _, kind in row.members:
                if not 0 <= slot < SLOTS or kind in _NO_MEMBERS:
                    raise BadTable(f"{where}, member {path}: bad field or kind")
            if row.kind is Kind.ROLE and not row.vocabulary and row.key != "gen_ai.operation.name":
                raise BadTable(f"{where} is a role without a vocabulary")
            if row.kind is Kind.EXPAND:
                for path, slot, rank, _ in row.members:
                    self._prefer(slot, rank, f"{row.key}, member {path}", where)
            elif row.kind is not Kind.EVALUATION and row.field:
                self._prefer(row.field, row.rank, row.key, where)
            if row.pattern:
                expression = re.escape(row.key).replace(r"\*", "[^.]+") + "$"
                self._patterns.append((re.compile(expression.encode()), row))
                continue
            key = row.key.encode()
            if key in self._rows and key not in own:
                raise BadTable(f"{where} is in another table already")
            own.add(key)
            self._rows[key] = (*self._rows.get(key, ()), row)
        self.scope_rules.extend(dialect.scopes)

    def _prefer(self, slot: int, rank: int, key: str, where: str) -> None:
        """Two keys must never compete at one rank: the order on the wire would decide between them."""
        if not 0 <= rank < MAX_RANK:
            raise BadTable(f"{where}: rank {rank} is not between 0 and {MAX_RANK}")
        clash = self._preferred.setdefault((slot, rank), key)
        if clash != key:
            raise BadTable(
                f"{where} and {clash} both feed {FIELD_NAMES[slot]} at rank {rank}: give one of them a larger rank"
            )

    def _remember(self, key: bytes, rows: tuple[Row, ...]) -> None:
        """Enter a key into ``quick`` when its value needs no more than a look at a few bytes."""
        if not rows:
            self.quick[key] = (0, 0, IGNORE)
        elif len(rows) == 1 and rows[0].kind in _QUICK_KINDS:
            self.quick[key] = (rows[0].field, rows[0].rank, _QUICK_KINDS[rows[0].kind])

    def row(self, key: bytes) -> tuple[Row, ...]:
        """The rows that read ``key``; an empty tuple when the attribute means nothing here."""
        rows = self._rows.get(key)
        if rows is not None:
            return rows
        rows = self._remembered.get(key)
        if rows is None:
            rows = tuple(row for pattern, row in self._patterns if pattern.match(key))
            if len(self._remembered) < MAX_REMEMBERED_KEYS and len(key) < 128:
                self._remembered[key] = rows
                self._remember(key, rows)
        return rows

    def scope_rule(self, name: str) -> ScopeRule | None:
        """The most specific rule for an instrumentation scope."""
        for rule in self.scope_rules:
            rest = name[len(rule.prefix) :]
            # "ai" is a scope of its own and the beginning of many others.
            if name.startswith(rule.prefix) and not (rest[:1].isalnum() and rule.prefix[-1].isalnum()):
                return rule
        return None

    @property
    def keys(self) -> Mapping[bytes, tuple[Row, ...]]:
        """Every key that a table names."""
        return self._rows
