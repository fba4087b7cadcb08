"""The committed files are what the code builds, and both variants are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genai_dashboards import build
from genai_dashboards.__main__ import main
from genai_dashboards.house.links import DOCS


def test_committed_files_are_as_built() -> None:
    assert build.differences(build.GENERATED, build.files()) == []


def test_check_finds_every_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--output", str(tmp_path)]) == 0
    assert main(["build", "--output", str(tmp_path), "--check"]) == 0
    (tmp_path / "genai-cost.json").unlink()
    (tmp_path / "stranger.json").write_text("{}")
    overview = tmp_path / "genai-overview.json"
    overview.write_text(overview.read_text().replace("Error rate", "Error share"))
    capsys.readouterr()
    assert main(["build", "--output", str(tmp_path), "--check"]) == 1
    said = capsys.readouterr().err
    assert "genai-cost.json is missing" in said
    assert "stranger.json is not a board" in said
    assert "genai-overview.json differs" in said


def test_build_writes_only_what_differs(tmp_path: Path) -> None:
    wanted = build.files()
    assert sorted(build.write(tmp_path, wanted)) == sorted(wanted)
    (tmp_path / "gone.json").write_text("{}")
    assert build.write(tmp_path, wanted) == ["gone.json"]
    assert build.differences(tmp_path, wanted) == []


def test_address_of_the_documentation_can_be_exchanged(tmp_path: Path) -> None:
    assert main(["build", "--output", str(tmp_path), "--docs", "https://wiki.example.org/genai/"]) == 0
    text = "".join(path.read_text() for path in tmp_path.glob("*.json"))
    assert "https://wiki.example.org/genai/alerts/runbooks/" in text
    assert DOCS not in text


def test_portable_variant_asks_for_its_data_sources(boards: dict[str, dict[str, Any]]) -> None:
    for name, text in build.portable().items():
        board = json.loads(text)
        plain = boards[board["uid"]]
        inputs = {entry["name"] for entry in board["__inputs"]}
        sources = {v["name"] for v in plain["templating"]["list"] if v["type"] == "datasource"}
        assert inputs == {f"DS_{source.upper()}" for source in sources}, name
        required = {entry["id"] for entry in board["__requires"] if entry["type"] == "panel"}
        assert required == {panel["type"] for panel in plain["panels"]} - {"row"}
        for variable in board["templating"]["list"]:
            if variable["type"] == "datasource":
                assert variable["current"]["value"] == f"${{DS_{variable['name'].upper()}}}"
        assert board["panels"] == plain["panels"]


def test_provisioned_files_have_no_inputs(boards: dict[str, dict[str, Any]]) -> None:
    # Provisioning does not replace them: panels would ask a data source that is called ${DS_...}.
    for board in boards.values():
        assert not {"__inputs", "__requires", "__elements"} & board.keys()


def test_files_say_that_they_are_generated(boards: dict[str, dict[str, Any]]) -> None:
    for board in boards.values():
        assert "generated" in board["tags"]
        assert "Generated from Python" in board["description"]
