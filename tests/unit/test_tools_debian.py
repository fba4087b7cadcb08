"""Package sources for test programs are derived from the machine's own, whatever form they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import debian

MODERN = """\
# made by the installer
Types: deb
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://vendor.test/apt
Suites: stable
Components: main

Enabled: no
Types: deb
URIs: http://other.test/debian
Suites: bookworm
Components: main
"""
CLASSIC = """\
# deb http://commented.test/debian bookworm main
deb-src http://mirror.test/debian bookworm main
deb [arch=amd64 signed-by=/keys/a.gpg] http://mirror.test/debian bookworm main contrib # a remark
deb http://mirror.test/debian bookworm-updates main
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "apt" / "sources.list.d").mkdir(parents=True)
    (tmp_path / "os-release").write_text('NAME="Some Linux"\nVERSION_CODENAME=bookworm\n')
    return tmp_path


def test_only_the_base_suite_of_the_own_distribution_is_kept(etc: Path) -> None:
    (etc / "apt" / "sources.list.d" / "machine.sources").write_text(MODERN)
    assert debian.derived_sources("forky", etc) == (
        "Types: deb\n"
        "URIs: http://mirror.test/debian\n"
        "Suites: forky\n"
        "Components: main\n"
        "Signed-By: /usr/share/keyrings/archive.gpg\n"
    )


def test_own_suite_when_no_other_is_asked_for(etc: Path) -> None:
    (etc / "apt" / "sources.list.d" / "machine.sources").write_text(MODERN)
    assert "Suites: bookworm\n" in debian.derived_sources(None, etc)


def test_one_line_sources_are_understood(etc: Path) -> None:
    (etc / "apt" / "sources.list").write_text(CLASSIC)
    assert debian.derived_sources("forky", etc) == (
        "Types: deb\n"
        "URIs: http://mirror.test/debian\n"
        "Suites: forky\n"
        "Components: main contrib\n"
        "Architectures: amd64\n"
        "Signed-By: /keys/a.gpg\n"
    )


def test_files_that_apt_ignores_are_ignored(etc: Path) -> None:
    (etc / "apt" / "sources.list.d" / "machine.sources.disabled").write_text(MODERN)
    assert debian.derived_sources("forky", etc) == ""


def test_a_machine_without_codename_has_no_sources(etc: Path) -> None:
    (etc / "os-release").unlink()
    (etc / "apt" / "sources.list").write_text(CLASSIC)
    assert debian.derived_sources("forky", etc) == ""


def test_without_a_package_manager_the_reason_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(debian, "CACHE", tmp_path / "cache")
    with pytest.raises(debian.Unavailable, match=r"install promtool 2\.42 or newer"):
        debian.locate("promtool")


def test_a_program_on_the_path_must_be_recent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(debian, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / "prometheus"
    program.write_text("#!/bin/sh\necho 'prometheus, version 2.41.9 (branch: HEAD)'\n")
    program.chmod(0o755)
    with pytest.raises(debian.Unavailable):
        debian.locate("prometheus")
    program.write_text("#!/bin/sh\necho 'prometheus, version 3.5.3+ds1 (branch: HEAD)'\n")
    assert debian.locate("prometheus") == program


def test_unknown_names_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert debian.main(["grafana"]) == 2
    assert "prometheus" in capsys.readouterr().err
