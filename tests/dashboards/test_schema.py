"""An independent reading: Grafana's own typed models of a classic dashboard parse every board and lose nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

cog = pytest.importorskip("grafana_foundation_sdk.cog.plugins", reason="grafana-foundation-sdk 0.0.21 is not installed")

from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: E402
from grafana_foundation_sdk.models.dashboard import Dashboard  # noqa: E402

NOT_IN_THE_MODELS = {
    "id": "null, which the models leave out: a board that has never been saved",
    "annotations.list[].expr": "of the Prometheus data source: the models type annotations for any source",
    "annotations.list[].step": "likewise",
    "annotations.list[].tagKeys": "likewise",
    "annotations.list[].textFormat": "likewise",
    "annotations.list[].titleFormat": "likewise",
    "annotations.list[].useValueForTime": "likewise",
}


def paths(node: Any, path: str = "") -> Iterator[str]:
    """Every key with the way to it; items of a list share one."""
    if isinstance(node, dict):
        for key, value in node.items():
            here = f"{path}.{key}".lstrip(".")
            yield here
            yield from paths(value, here)
    if isinstance(node, list):
        for item in node:
            yield from paths(item, f"{path}[]")


@pytest.fixture(scope="module", autouse=True)
def _plugins() -> None:
    cog.register_default_plugins()


def test_every_key_is_in_grafanas_models(boards: dict[str, dict[str, Any]]) -> None:
    lost: set[str] = set()
    for board in boards.values():
        parsed = Dashboard.from_json(board)
        again = json.loads(json.dumps(parsed, cls=JSONEncoder))
        lost |= set(paths(board)) - set(paths(again))
    assert lost - NOT_IN_THE_MODELS.keys() == set()


def test_the_models_notice_what_is_wrong(boards: dict[str, dict[str, Any]]) -> None:
    board = json.loads(json.dumps(boards["genai-overview"]))
    board["panels"][1]["notAKey"] = True
    again = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    assert "panels[].notAKey" in set(paths(board)) - set(paths(again))
