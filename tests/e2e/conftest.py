"""Fixtures that start real processes on loopback. Everything below this folder is marked ``e2e``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import fake_provider, harness


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Exporter]:
    """One exporter for the tests of a module; tests tell their data apart by service name."""
    with harness.exporter(tmp_path_factory.mktemp("exporter")) as running:
        yield running


@pytest.fixture
def provider() -> Iterator[fake_provider.FakeProvider]:
    with fake_provider.running() as server:
        yield server
