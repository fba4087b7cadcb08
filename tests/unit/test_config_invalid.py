"""Each file under fixtures/config is wrong in one way; its first line says what the refusal must say."""

from __future__ import annotations

from pathlib import Path

import pytest

from genai_exporter.config import ConfigError, load

FIXTURES = Path(__file__).parent / "fixtures" / "config"
BAD_FILES = sorted(FIXTURES.glob("invalid-*.yml"))


@pytest.mark.parametrize("path", BAD_FILES, ids=lambda path: path.stem.removeprefix("invalid-"))
def test_is_refused_with_place_bad_value_and_what_is_accepted(path: Path) -> None:
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ")
    with pytest.raises(ConfigError) as refused:
        load(str(path), environ={})
    (line,) = refused.value.lines
    assert line.startswith(f"{path}:")
    assert expected in line
    assert "hidden-token" not in line


def test_there_is_a_bad_file_for_every_way_to_be_wrong() -> None:
    assert len(BAD_FILES) >= 45


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yml: cannot be read: No such file or directory"):
        load(str(tmp_path / "none.yml"), environ={})


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.yml"
    path.write_bytes(b"log: \xff\xfe")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text \(byte 5\)"):
        load(str(path), environ={})


def test_a_file_that_contains_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.yml"
    path.write_text("log: &a [*a]\n")
    with pytest.raises(ConfigError, match="nested too deep"):
        load(str(path), environ={})


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.yml"
    path.write_text("assembly: {settle_seconds: -1}\nmetrics: {max_series: few}\n")
    with pytest.raises(ConfigError) as refused:
        load(str(path), environ={"GENAI_EXPORTER_LOG__LEVEL": "loud"}, flags={"--max-label-values": "many"})
    assert len(refused.value.lines) == 4
