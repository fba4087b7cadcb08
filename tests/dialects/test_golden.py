"""What every library puts on the wire, and what it must become (design: dialects are tables)."""

from __future__ import annotations

import pytest

from .build import Golden
from .golden import agents, frameworks, gateways, platforms, rows, sdk, small
from .run import ARRIVALS, differences, run

PAIRS: list[Golden] = [
    pair for module in (rows, sdk, platforms, gateways, frameworks, agents, small) for pair in module.PAIRS
]


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_spans_become_what_they_mean(pair: Golden, arrival: str) -> None:
    spy, _ = run(ARRIVALS[arrival](pair.spans))
    assert not differences(pair, spy)
