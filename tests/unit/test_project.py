"""Facts about the tree that hold whatever the code does."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from genai_exporter.config import environment, schema

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("exporter", "dashboards", "alerts")

# Written in two halves, so that this file is not its own first finding.
REGISTRIES = re.compile(
    "|".join(
        re.escape(first + second)
        for first, second in (
            ("py", "pi.org"),
            ("python", "hosted"),
            ("npm", "js"),
            ("deb.", "debian"),
            ("proxy.", "golang"),
            ("crates", ".io"),
            ("maven", ".org"),
        )
    )
)


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Files of the project: what git knows or would take; in a copy without git, everything but caches."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [
            path for path in ROOT.rglob("*") if not any(part.startswith((".venv", "build")) for part in path.parts)
        ]
    return tuple(path for path in paths if path.is_file())


def texts(*suffixes: str) -> list[tuple[Path, str]]:
    """The project's text files, or those with one of ``suffixes``."""
    found = []
    for path in tracked():
        if suffixes and path.suffix not in suffixes:
            continue
        raw = path.read_bytes()
        if b"\0" not in raw:
            found.append((path.relative_to(ROOT), raw.decode("utf-8", "replace")))
    return found


@functools.cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_pattern_of_registry_hosts_finds_one() -> None:
    assert REGISTRIES.search("https://" + "py" + "pi.org/simple")
    assert not REGISTRIES.search("pip install genai-exporter")


def test_no_file_names_a_package_registry_host() -> None:
    named = [f"{path}: {found[0]}" for path, text in texts() if (found := REGISTRIES.search(text))]
    assert not named


def test_modules_stay_small() -> None:
    lengths = {str(path): text.count("\n") for path, text in texts(".py")}
    assert lengths, "no modules were found"
    assert not {path: length for path, length in lengths.items() if length > 400}


def test_top_level_folders_are_not_packages() -> None:
    """Run from the root, Python would import them as namespaces: a second copy of every module."""
    imported = []
    for path, text in texts(".py"):
        for node in ast.walk(ast.parse(text)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            imported += [f"{path}:{node.lineno}: {name}" for name in names if name.split(".")[0] in FOLDERS]  # type: ignore[attr-defined]
    assert not imported
    assert not [folder for folder in FOLDERS if (ROOT / folder / "__init__.py").exists()]


def test_changelog_has_the_version() -> None:
    version = pyproject()["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[{re.escape(version)}\]", changelog, re.MULTILINE)


def test_image_is_labelled_with_the_version() -> None:
    version = pyproject()["project"]["version"]
    assert f"ARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text()


def test_licence_is_the_one_declared() -> None:
    project = pyproject()["project"]
    assert project["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def requirements() -> list[Requirement]:
    project = pyproject()["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for line in (*project["dependencies"], *(line for extra in extras for line in extra))]


@functools.cache
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    kept = [line for line in lines if line and not line.startswith("#")]
    malformed = [line for line in kept if not re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.!+]+", line)]
    assert not malformed, "names and versions only"
    return dict(line.split("==") for line in kept)


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_every_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    version = pins().get(canonicalize_name(requirement.name))
    assert version, f"{requirement.name} is not in constraints.txt"
    assert requirement.specifier.contains(version, prereleases=True)


def test_image_listens_where_the_settings_say() -> None:
    """Every GENAI_EXPORTER_ variable of the Dockerfile is one the configuration knows."""
    known = {environment.variable(key.path) for key in schema.all_keys()}
    used = set(re.findall(r"^\s*(?:ENV )?(GENAI_EXPORTER_\w+)=", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert used
    assert used <= known


def test_image_runs_as_an_ordinary_user_without_a_shell() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    user = next(line for line in lines if line.startswith("USER "))
    assert re.fullmatch(r"USER [1-9]\d*(:[1-9]\d*)?", user)
    assert 'ENTRYPOINT ["genai-exporter"]' in lines
    assert [line for line in lines if line.startswith("FROM ")][-1].endswith("-slim-bookworm")


def test_ci_runs_what_a_developer_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "set -euo pipefail" in script
    for command in ("make test", "make demo DURATION=", "make bench"):
        assert command in script
