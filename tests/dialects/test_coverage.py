"""Every row of every table decides something: without it, at least one golden pair comes out wrong."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator

import pytest

from genai_exporter.dialects.fields import Dialect, Kind, Row
from genai_exporter.dialects.plan import Plan
from genai_exporter.dialects.registry import DIALECTS

from .build import Golden, request, span
from .run import ARRIVALS, differences, run
from .test_golden import PAIRS

#: Rows that keep a key from meaning what it seems to mean. Without them the same comes out: nothing.
SILENT = {"adk.experimental.context_cache.hit"}
#: Rows for the books alone: see ``test_versions_are_missed``.
COUNTED = {"app.model_version", "model_version"}


def _keys(pair: Golden) -> set[str]:
    keys: set[str] = set()
    for one in pair.spans:
        keys |= {*one.attributes, *one.resource}
        for event in one.events:
            keys |= set(event.attributes)
    return keys


def _pairs_by_key() -> dict[str, list[Golden]]:
    found: dict[str, list[Golden]] = defaultdict(list)
    for pair in PAIRS:
        for key in _keys(pair):
            found[key].append(pair)
    return found


BY_KEY = _pairs_by_key()
PLAN = Plan(DIALECTS)


def _pairs_with(row: Row) -> list[Golden]:
    if not row.pattern:
        return BY_KEY.get(row.key, [])
    return [pair for key, pairs in BY_KEY.items() if row in PLAN.row(key.encode()) for pair in pairs]


def _variants() -> Iterator[tuple[str, Dialect, Row, Row | None]]:
    """Every row left out, and every member of a document left out."""
    for dialect in DIALECTS:
        for number, row in enumerate(dialect.rows):
            if row.key in SILENT | COUNTED:
                continue
            name = f"{dialect.name}: {row.key}"
            if row.kind is not Kind.EXPAND:
                yield f"{name} ({number})", dialect, row, None
                continue
            for member in row.members:
                rest = tuple(other for other in row.members if other != member)
                less = dataclasses.replace(row, members=rest) if rest else None
                yield f"{name}, member {member[0]} ({member[1]})", dialect, row, less


def _without(dialect: Dialect, row: Row, less: Row | None) -> Plan:
    rows: list[Row] = []
    for other in dialect.rows:
        if other is not row:
            rows.append(other)
        elif less is not None:
            rows.append(less)
    changed = dataclasses.replace(dialect, rows=tuple(rows))
    return Plan([changed if one is dialect else one for one in DIALECTS])


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_row_is_needed_by_a_golden_pair(dialect: Dialect) -> None:
    idle = []
    for name, where, row, less in _variants():
        if where is not dialect:
            continue
        plan = _without(dialect, row, less)
        if not any(differences(pair, run(ARRIVALS["one request"](pair.spans), plan)[0]) for pair in _pairs_with(row)):
            idle.append(name)
    assert not idle, "no golden pair notices when these are missing:\n" + "\n".join(idle)


def test_rows_that_silence_a_key_are_in_golden_pairs() -> None:
    assert set(BY_KEY) >= SILENT
    assert {row.key for one in DIALECTS for row in one.rows} >= SILENT


@pytest.mark.parametrize("key", sorted(COUNTED))
def test_versions_are_missed(key: str) -> None:
    """R103: a trace without one of the three versions is counted, one with the model's version by hand is not."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    _, bare = run([request([span("chat", attributes)])])
    _, told = run([request([span("chat", attributes | {key: "gpt-4o-2024-11-20"})])])
    assert bare.stats.missing_versions["model_version"] == 1
    assert told.stats.missing_versions["model_version"] == 0
