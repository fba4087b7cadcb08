"""What the tests of the dashboards share."""

from __future__ import annotations

import json
from typing import Any

import pytest

from genai_dashboards import build


@pytest.fixture(scope="session")
def boards() -> dict[str, dict[str, Any]]:
    """Every board as it is built, by uid."""
    return {board["uid"]: board for board in map(json.loads, build.files().values())}
